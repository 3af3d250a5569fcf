# A client of libpq that opens connections with a token, and what it is told.

package OAuthClient;

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run qw(run);
use Test::More;

my $source = dirname(abs_path(__FILE__)) . '/../t/oauth_validator/client.c';

# Builds the client in a directory.  It connects as the user, and expects the issuer.
sub new
{
	my ($class, $directory, %defaults) = @_;
	my $program = "$directory/client";
	my @flags = split ' ', `pkg-config --cflags --libs libpq`;
	my $output = '';

	run([ 'cc', '-Wall', '-Wextra', '-Werror', '-o', $program, $source, @flags ], '>&', \$output)
	  or BAIL_OUT("the client does not compile: $output");
	return bless { program => $program, %defaults, errors => '' }, $class;
}

# The command that connects to a node with the token; options: dbname, user, issuer,
# more (options of the connection).
sub command
{
	my ($self, $node, $token, %options) = @_;
	my $issuer = $options{issuer} // "$self->{issuer}/.well-known/openid-configuration";
	my $string = $node->connstr($options{dbname} // 'postgres')
	  . ' user=' . ($options{user} // $self->{user})
	  . " require_auth=oauth oauth_client_id=test oauth_issuer=$issuer"
	  . ' ' . ($options{more} // '');

	return ($self->{program}, $string, $token);
}

# What the statements say in the connection that the token opens, a line each, or
# "refused".
sub answers
{
	my ($self, $node, $token, $statements, %options) = @_;
	my $output = '';

	$self->{errors} = '';
	run([ $self->command($node, $token, %options), @$statements ], '>', \$output, '2>', \$self->{errors});
	chomp $output;
	return $output;
}

# What the client was told when it was connected to last.
sub errors { return $_[0]{errors}; }

1;
