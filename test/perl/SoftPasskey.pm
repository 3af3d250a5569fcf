# A passkey in software, with the browser around it: it answers options as
# navigator.credentials.create() and get() do, and says whatever it is told to. The
# openssl command makes its keys and signs.

package SoftPasskey;

use strict;
use warnings;

use Digest::SHA qw(sha256);
use IPC::Run qw(run);
use JSON::PP ();
use MIME::Base64 qw(decode_base64url encode_base64url);
use PostgreSQL::Test::Utils;

# Flags of authenticator data
our %FLAG = (UP => 0x01, UV => 0x04, BE => 0x08, BS => 0x10, AT => 0x40);

my $AAGUID = pack 'H*', '00112233445566778899aabbccddeeff';

# Options: id => bytes, flags => those of each answer, counter => the last one (undef:
# it does not count), origin.
sub new
{
	my ($class, %is) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $pem = output_of([qw(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256)], '');

	PostgreSQL::Test::Utils::append_to_file("$dir/key.pem", $pem);
	my $public = output_of([qw(openssl pkey -pubout -outform DER)], $pem);

	return bless {
		id => pack('N4', map { int rand 2**32 } 1 .. 4),
		flags => $FLAG{UP} | $FLAG{UV},
		counter => 0,
		origin => 'https://example.org',
		%is, file => "$dir/key.pem", point => substr($public, -64)
	}, $class;
}

sub output_of
{
	my ($command, $input) = @_;
	my ($output, $errors) = ('', '');

	run($command, '<', \$input, '>', \$output, '2>', \$errors) or die "openssl failed: $errors";
	return $output;
}

# A new credential for options, as JSON. What it says can be changed: type,
# challenge, origin, crossOrigin, rp_id, flags, counter, id, cose.
sub create
{
	my ($self, $options, %changes) = @_;

	$self->{user_handle} = $options->{user}{id};
	my %says = $self->says($options, 'webauthn.create', $options->{rp}{id}, %changes);
	my $id = $says{id} // $self->{id};
	my $data = data_of(%says, flags => $says{flags} | $FLAG{AT})
	  . $AAGUID . pack('n/a*', $id) . ($says{cose} // $self->cose);
	my $object = "\xa3" . text('fmt') . text('none') . text('attStmt') . "\xa0" . text('authData') . bytes($data);

	return $self->credential(
		clientDataJSON => client_of(%says),
		attestationObject => $object,
		transports => ['internal']);
}

# The use of the credential for options, as JSON. More that can be changed:
# user_handle (undef: none), key (another passkey, which signs).
sub get
{
	my ($self, $options, %changes) = @_;

	$self->{counter}++ if defined $self->{counter};
	my %says = $self->says($options, 'webauthn.get', $options->{rpId}, user_handle => $self->{user_handle}, %changes);
	my $data = data_of(%says);
	my $client = client_of(%says);

	return $self->credential(
		clientDataJSON => $client,
		authenticatorData => $data,
		signature => ($says{key} // $self)->sign($data . sha256($client)),
		userHandle => $says{user_handle});
}

sub says
{
	my ($self, $options, $type, $rp_id, %changes) = @_;

	return (
		type => $type,
		challenge => $options->{challenge},
		origin => $self->{origin},
		crossOrigin => JSON::PP::false,
		rp_id => $rp_id,
		flags => $self->{flags},
		counter => $self->{counter} // 0,
		%changes);
}

sub sign
{
	my ($self, $input) = @_;

	return output_of([ qw(openssl dgst -sha256 -sign), $self->{file} ], $input);
}

# The form of toJSON(); what is no bytes stays as it is.
sub credential
{
	my ($self, %response) = @_;
	my $id = encode_base64url($self->{id});

	for my $name (qw(clientDataJSON attestationObject authenticatorData signature))
	{
		$response{$name} = encode_base64url($response{$name}) if defined $response{$name};
	}
	return JSON::PP->new->canonical->encode({
		id => $id, rawId => $id, type => 'public-key', authenticatorAttachment => 'platform',
		clientExtensionResults => {}, response => \%response });
}

sub data_of
{
	my (%says) = @_;

	return sha256($says{rp_id}) . pack('CN', $says{flags}, $says{counter});
}

sub client_of
{
	my (%says) = @_;

	return JSON::PP->new->canonical->encode({ map { $_ => $says{$_} } qw(type challenge origin crossOrigin) });
}

# The public key in COSE: EC2, ES256, P-256
sub cose
{
	my ($self) = @_;
	my ($x, $y) = unpack 'a32a32', $self->{point};

	return "\xa5\x01\x02\x03\x26\x20\x01\x21" . bytes($x) . "\x22" . bytes($y);
}

sub text { return chr(0x60 + length $_[0]) . $_[0]; }

sub bytes
{
	my ($bytes) = @_;

	return (length $bytes < 256 ? "\x58" . chr length $bytes : "\x59" . pack 'n', length $bytes) . $bytes;
}

1;
