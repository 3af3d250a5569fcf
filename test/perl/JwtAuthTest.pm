# What the TAP tests share: a server that has the extension, and calls that
# answer with a value or an SQLSTATE.

package JwtAuthTest;

use strict;
use warnings;

use Exporter qw(import);
use MIME::Base64 qw(decode_base64url encode_base64url);
use PostgreSQL::Test::Cluster;
use Test::More;

our @EXPORT = qw(start_node value_of state_of quote segments_of available_algs);

# A started server with the extension in its database "postgres".  Options:
# conf => lines for postgresql.conf, init => options of
# initdb, cluster => options of PostgreSQL::Test::Cluster::init.
sub start_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	my @extra = ('--encoding=UTF8', '--locale=C.UTF-8', @{ $options{init} // [] });

	# The test run may have a cluster to copy, which was made with the first two.
	$node->init(
		$ENV{INITDB_TEMPLATE} && @extra == 2 ? () : (extra => \@extra),
		%{ $options{cluster} // {} });
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

# The result of a query, as text.  Options: dbname.
sub value_of
{
	my ($node, $query, %options) = @_;

	return $node->safe_psql($options{dbname} // 'postgres', $query);
}

# The SQLSTATE that a statement raises, or '' if it succeeds.
sub state_of
{
	my ($node, $statement, %options) = @_;
	my $errors = '';

	$node->psql(
		$options{dbname} // 'postgres',
		"\\set VERBOSITY sqlstate\n$statement",
		stderr => \$errors,
		on_error_stop => 0);
	return $errors =~ /ERROR:\s+(\w{5})\b/ ? $1 : '';
}

# Signing input and raw signature of a token.
sub segments_of
{
	my ($token) = @_;
	my ($signing_input, $signature) = $token =~ /^(.*)\.([^.]*)$/s
	  or die "not a token\n";

	return ($signing_input, decode_base64url($signature));
}

# The algorithms for which the server can make keys.
sub available_algs
{
	my ($node, @algs) = @_;

	return grep { state_of($node, "SELECT jwk_generate('$_')") eq '' } @algs;
}

1;
