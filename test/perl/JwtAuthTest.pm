# What the TAP tests share: a server that has the extension, and calls that
# answer with a value or an SQLSTATE.

package JwtAuthTest;

use strict;
use warnings;

use DBI;
use Exporter qw(import);
use MIME::Base64 qw(decode_base64url encode_base64url);
use PostgreSQL::Test::Cluster;
use Test::More;

our @EXPORT = qw(start_node connect_to value_of execute state_of quote segments_of tampered available_algs);

# A started server with the extension in its database "postgres", which preloads
# the library if PRELOAD says so, as it does for ../run.  Options:
# conf => lines for postgresql.conf, init => options of
# initdb, cluster => options of PostgreSQL::Test::Cluster::init.
sub start_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(
		extra => [ '--encoding=UTF8', '--locale=C.UTF-8', @{ $options{init} // [] } ],
		%{ $options{cluster} // {} });
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'jwt_auth'") if $ENV{PRELOAD};
	$node->append_conf('postgresql.conf', $_) for @{ $options{conf} // [] };
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION jwt_auth');
	return $node;
}

# A text as SQL literal.
sub quote
{
	my ($text) = @_;

	return 'NULL' unless defined $text;
	$text =~ s/'/''/g;
	return $text =~ /\\/ ? " E'" . $text =~ s/\\/\\\\/gr . "'" : "'$text'";
}

# The result of a query, as text: what psql -At prints.  It is asked in a session
# of its own, of the database of option dbname, or in one of connect_to().
sub value_of
{
	my ($where, $query, %options) = @_;

	return $where->safe_psql($options{dbname} // 'postgres', $query) if needs_psql($where, $query);
	return run(session_in($where, %options), $query) // die "$DBI::errstr while running: $query\n";
}

# Runs a statement likewise, which must succeed.
sub execute
{
	value_of(@_);
	return;
}

# The SQLSTATE that a statement raises, or '' if it succeeds; asked likewise.
sub state_of
{
	my ($where, $statement, %options) = @_;

	return state_in_psql(@_) if needs_psql($where, $statement);
	my $session = session_in($where, %options);

	return defined run($session, $statement) ? '' : $session->state;
}

sub session_in
{
	my ($where, %options) = @_;

	return $where->isa('DBI::db') ? $where : connect_to($where, %options);
}

# Commands of psql, and several statements, which it runs one by one.  A session
# of our own starts no program, which would take ten times as long.
sub needs_psql
{
	my ($where, $statement) = @_;

	return !$where->isa('DBI::db') && $statement =~ /^\s*(?:\\|COPY\b)|;\s*\S/i;
}

sub state_in_psql
{
	my ($node, $statements, %options) = @_;
	my $errors = '';

	$node->psql(
		$options{dbname} // 'postgres',
		"\\set VERBOSITY sqlstate\n$statements",
		stderr => \$errors,
		on_error_stop => 0);
	return $errors =~ /ERROR:\s+(\w{5})\b/ ? $1 : '';
}

# A session in a PostgreSQL::Test::Cluster, which ends when nothing refers to it.
# Options: dbname.
sub connect_to
{
	my ($node, %options) = @_;

	return DBI->connect(
		'dbi:Pg:' . $node->connstr($options{dbname} // 'postgres'),
		'', '',
		{
			AutoInactiveDestroy => 1,
			RaiseError => 0,
			PrintError => 0,
			PrintWarn => 0,
			pg_bool_tf => 1,
			pg_enable_utf8 => 0,
			pg_expand_array => 0
		}) // die "could not connect: $DBI::errstr\n";
}

# The rows of a statement, or undef if it fails.
sub run
{
	my ($session, $statement) = @_;
	my $query = $session->prepare($statement, { pg_direct => 1 });

	$query->execute or return;
	return '' unless $query->{NUM_OF_FIELDS};
	my @types = @{ $query->{pg_type} };
	my $rows = $query->fetchall_arrayref;

	for my $column (grep { $types[$_] eq 'bytea' } 0 .. $#types)
	{
		$_->[$column] = '\x' . unpack 'H*', $_->[$column] for grep { defined $_->[$column] } @$rows;
	}
	return join "\n", map { join '|', map { $_ // '' } @$_ } @$rows;
}

# Signing input and raw signature of a token.
sub segments_of
{
	my ($token) = @_;
	my ($signing_input, $signature) = $token =~ /^(.*)\.([^.]*)$/s
	  or die "not a token\n";

	return ($signing_input, decode_base64url($signature));
}

# A token with another character in its signature.
sub tampered
{
	my ($token) = @_;

	substr($token, -10, 1) =~ s/(.)/$1 eq 'A' ? 'B' : 'A'/e;
	return $token;
}

# The algorithms for which the server can make keys.
sub available_algs
{
	my ($node, @algs) = @_;

	return grep { state_of($node, "SELECT jwk_generate('$_')") eq '' } @algs;
}

1;
