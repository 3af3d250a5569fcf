-- Users of two tenants, one of whom must add a second factor, an administrator, and notes.

SELECT jwt_create_user('alice', 'correct horse battery staple', role => 'notes_user',
    claims => '{"name": "Alice", "tenant": "acme", "scope": "notes:write"}',
    email => 'alice@acme.example') AS alice,
    jwt_create_user('bob', 'rowing on a quiet lake', role => 'notes_user',
    claims => '{"name": "Bob", "tenant": "initech", "scope": "notes:write"}',
    email => 'bob@initech.example') AS bob,
    jwt_create_user('carol', 'reading by candle light', role => 'notes_user',
    claims => '{"name": "Carol", "tenant": "acme"}',
    email => 'carol@acme.example') AS carol,
    jwt_create_user('dan', 'singing in an empty house', role => 'notes_user',
    claims => '{"name": "Dan", "tenant": "initech", "scope": "notes:write"}',
    email => 'dan@initech.example') AS dan,
    jwt_create_user('erin', 'minding the whole shop', role => 'notes_admin',
    claims => '{"name": "Erin", "tenant": "acme", "scope": "notes:write admin"}',
    email => 'erin@acme.example') AS erin \gset

SELECT jwt_update_user(:'dan', mfa_enrollment => 'required'),
    jwt_update_user(:'erin', mfa_enrollment => 'required');

INSERT INTO notes (tenant, owner, author, body, created_at) VALUES
    ('acme', :'alice', 'Alice', 'Order more anvils', now() - interval '2 days'),
    ('acme', :'carol', 'Carol', 'Call the coyote back', now() - interval '1 day'),
    ('acme', :'alice', 'Alice', 'Paint a tunnel on the cliff', now() - interval '3 hours'),
    ('initech', :'bob', 'Bob', 'New cover sheets for the reports', now() - interval '1 day'),
    ('initech', :'bob', 'Bob', 'Has anybody seen my stapler?', now() - interval '20 minutes');

-- So few rows are read one by one: the panel under the hood can tell how many did not pass.
ANALYZE notes;
