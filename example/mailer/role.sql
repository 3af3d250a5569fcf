-- The role that the mailer connects as: it may claim messages and report what
-- became of them, and has no right to any table.

CREATE ROLE mailer LOGIN;
ALTER ROLE mailer SET statement_timeout = '20 s';
GRANT EXECUTE ON FUNCTION jwt_outbox_claim, jwt_outbox_sent, jwt_outbox_failed
    TO mailer;
