-- For the panel "under the hood": the web server gets the plan of each of its
-- statements as a notice, with the number of rows that the policies let through.
-- Servers without auto_explain do without.

DO $$
DECLARE
    gateway text := format('ALTER ROLE notes_gateway IN DATABASE %I SET ', current_database());
BEGIN
    LOAD 'auto_explain';
    EXECUTE gateway || 'session_preload_libraries = jwt_auth, auto_explain';
    EXECUTE gateway || 'auto_explain.log_level = notice';
    EXECUTE gateway || 'auto_explain.log_min_duration = 0';
    EXECUTE gateway || 'auto_explain.log_analyze = on';
    EXECUTE gateway || 'auto_explain.log_timing = off';
    EXECUTE gateway || 'auto_explain.log_format = json';
EXCEPTION WHEN undefined_file THEN
    NULL;
END
$$;
