-- Three users of two tenants, and their notes.

SELECT jwt_create_user('alice', 'correct horse battery staple', role => 'notes_user',
    claims => '{"name": "Alice", "tenant": "acme", "scope": "notes:write"}') AS alice,
    jwt_create_user('bob', 'rowing on a quiet lake', role => 'notes_user',
    claims => '{"name": "Bob", "tenant": "initech", "scope": "notes:write"}') AS bob,
    jwt_create_user('carol', 'reading by candle light', role => 'notes_user',
    claims => '{"name": "Carol", "tenant": "acme"}') AS carol \gset

INSERT INTO notes (tenant, owner, author, body, created_at) VALUES
    ('acme', :'alice', 'Alice', 'Order more anvils', now() - interval '2 days'),
    ('acme', :'carol', 'Carol', 'Call the coyote back', now() - interval '1 day'),
    ('acme', :'alice', 'Alice', 'Paint a tunnel on the cliff', now() - interval '3 hours'),
    ('initech', :'bob', 'Bob', 'New cover sheets for the reports', now() - interval '1 day'),
    ('initech', :'bob', 'Bob', 'Has anybody seen my stapler?', now() - interval '20 minutes');
