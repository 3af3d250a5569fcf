# What can be changed in a C file, one thing at a time.
#
# A mutant is a hash:
#   path, function    where it is
#   is_statement      whether that is no function, but a variable, as statements of SQL are
#   line, last_line   the lines that the change touches
#   kind, rank        what was changed, and how close to security (1: a check, a lock,
#                     a verdict; 2: a bound, a condition; 3: the rest)
#   before, after     the text, with single spaces
#   offset, length, text   the replacement
# The number of lines stays as it is.  The code is taken to be laid out as "make
# indent" does.

package Mutants;

use strict;
use warnings;

# Calls of which the loss matters most
my $GUARDS = qr/lock|check|require|refuse|deny|denial|invalidate|revoke|end_|audit|ensure|wait|throttle|charge|count|cleanse|wipe|ereport/;
my $SQL = qr/\b(?:SELECT|UPDATE|DELETE|INSERT|WHERE|AND|OR|FROM|ORDER BY|VALUES|LIMIT|SET)\b/;
my %OTHER_BOUND = ('<' => '<=', '<=' => '<', '>' => '>=', '>=' => '>');

# The mutants of a file's text.
sub of
{
	my ($path, $text) = @_;
	my $self = bless {
		path => $path, text => $text, code => _without_words($text), functions => [], found => [], seen => {}
	};

	$self->_find_functions;
	for my $function (@{ $self->{functions} })
	{
		$self->_change_conditions($function);
		$self->_change_operands($function);
		$self->_change_operators($function);
		$self->_change_answers($function);
		$self->_leave_out_statements($function);
		$self->_swap_statements($function);
	}
	$self->_change_sql;
	return @{ $self->{found} };
}

# The mutated text.
sub text_of
{
	my ($mutant, $text) = @_;

	substr($text, $mutant->{offset}, $mutant->{length}) = $mutant->{text};
	return $text;
}

# What names a mutant, as long as its function has the same text there.
sub key { return join "\t", @{ $_[0] }{qw(path function before after)}; }

# The text with comments, strings and the preprocessor's lines blanked out; all
# else is where it was.
sub _without_words
{
	my ($text) = @_;
	my $blank = sub { $_[0] =~ s/[^\n]/ /gr };

	$text =~ s{(/\*.*?\*/)|("(?:[^"\\\n]|\\.)*")|('(?:[^'\\\n]|\\.)*')}
	  {defined $1 ? $blank->($1) : ($2 // $3) =~ s/(?<=.)[^\n](?=.)/_/gr}gse;
	$text =~ s/^(#(?:[^\n]*\\\n)*[^\n]*)/$blank->($1)/gme;
	return $text;
}

sub _find_functions
{
	my ($self) = @_;

	while ($self->{code} =~ /^((?:[a-zA-Z_][^\n;={}]*\n|[ \t]+[^\n;{}]*\n)+)\{\n(.*?)^\}/gms)
	{
		my ($head, $start, $end) = ($1, $-[2], $+[2]);
		my ($name) = $head =~ /^(\w+)\(/m or next;

		push @{ $self->{functions} }, { name => $name, head => $head, start => $start, end => $end };
	}
	return;
}

# Calls code with each match of a pattern in the function, as (start, end) of the
# groups that matched.
sub _each_match
{
	my ($self, $function, $pattern, $code) = @_;
	my $region = substr $self->{code}, $function->{start}, $function->{end} - $function->{start};

	while ($region =~ /$pattern/g)
	{
		my @spans =
		  map { defined $-[$_] ? [ map { $function->{start} + $_ } $-[$_], $+[$_] ] : undef } 1 .. $#+;

		$code->(@spans);
	}
	return;
}

# The offset behind the parenthesis that closes the one at an offset, or undef.
sub _behind_parenthesis
{
	my ($self, $open) = @_;
	my $depth = 0;

	pos($self->{code}) = $open;
	while ($self->{code} =~ /([(){}\[\]])/g)
	{
		$depth += $1 =~ /[({\[]/ ? 1 : -1;
		return pos $self->{code} if $depth == 0;
	}
	return;
}

# Whether a condition is one comparison or call, which its own operator negates.
sub _is_simple
{
	my ($condition) = @_;

	return $condition !~ /&&|\|\|/ && $condition =~ /^!|\s(?:[<>]=?|[!=]=)\s/;
}

sub _change_conditions
{
	my ($self, $function) = @_;

	$self->_each_match(
		$function,
		qr/\bif (\()/,
		sub {
			my $start = $_[0][0] + 1;
			my $end = $self->_behind_parenthesis($start - 1) // return;
			my $condition = substr $self->{text}, $start, --$end - $start;
			my $is_guard = substr($self->{code}, $end, 200) =~ /^\)\s*(?:\{\s*)?(?:return\b|ereport|elog|\w*(?:deny|fail|raise|refuse)\w*\()/;

			$self->_add($function, 'check left out', $is_guard ? 1 : 2, $start, $end, "($condition) && false");
			$self->_add($function, 'condition negated', 2, $start, $end, "!($condition)")
			  unless _is_simple($condition);
		});
	return;
}

# Each operand of && and || is evaluated, and decides nothing.
sub _change_operands
{
	my ($self, $function) = @_;

	$self->_each_match(
		$function,
		qr/(&&|\|\|)/,
		sub {
			my ($start, $end) = @{ $_[0] };
			my $operator = substr $self->{code}, $start, 2;
			my ($left, $is_first) = $self->_start_of_operand($function, $start, $operator);
			my $right = $self->_end_of_operand($function, $end, $operator);

			$self->_void_operand($function, $operator, $left, $start) if $is_first;
			$self->_void_operand($function, $operator, $end, $right);
		});
	return;
}

sub _void_operand
{
	my ($self, $function, $operator, $start, $end) = @_;
	my $operand = substr $self->{text}, $start, $end - $start;
	my ($before, $core, $after) = $operand =~ /^(\s*)(.*?)(\s*)$/s;
	my $value = $operator eq '&&' ? 'true' : 'false';

	$self->_add($function, 'operand left out', 1, $start + length $before, $end - length $after, "(($core), $value)");
	return;
}

# Where the operand before an operator starts, and whether it is the first of its
# chain.
sub _start_of_operand
{
	my ($self, $function, $position, $operator) = @_;
	my $depth = 0;

	while (--$position > $function->{start})
	{
		my $rest = substr $self->{code}, $position, 8;

		$depth++ if $rest =~ /^[)\]}]/;
		$depth-- if $rest =~ /^[(\[{]/;
		return ($position + 1, 1) if $depth < 0;
		next if $depth > 0;
		return ($position + 1, 1) if $rest =~ /^[;?:,]/ || $rest =~ /^= / && substr($self->{code}, $position - 1, 1) =~ /[\s+|&-]/;
		return ($position + 6, 1) if $rest =~ /^return\b/;
		return ($position + 2, $rest !~ /^\Q$operator\E/) if $rest =~ /^(?:&&|\|\|)/ && ($operator eq '&&' || $rest =~ /^\|\|/);
	}
	return ($position, 0);
}

sub _end_of_operand
{
	my ($self, $function, $position, $operator) = @_;
	my $depth = 0;

	for (; $position < $function->{end}; $position++)
	{
		my $rest = substr $self->{code}, $position, 3;

		$depth++ if $rest =~ /^[(\[{]/;
		$depth-- if $rest =~ /^[)\]}]/;
		last if $depth < 0;
		last if $depth == 0 && ($rest =~ /^[;?:,]/ || $rest =~ /^\|\|/ || $rest =~ /^&&/ && $operator eq '&&');
	}
	return $position;
}

sub _change_operators
{
	my ($self, $function) = @_;
	my $change = sub {
		my ($kind, $rank, $pattern, $other) = @_;

		$self->_each_match(
			$function, $pattern,
			sub {
				my ($start, $end) = @{ $_[0] };

				$self->_add($function, $kind, $rank, $start, $end, $other->(substr $self->{text}, $start, $end - $start));
			});
	};

	$change->('bound off by one', 2, qr/\s([<>]=?)\s/, sub { $OTHER_BOUND{ $_[0] } });
	$change->('comparison turned', 2, qr/\s([!=]=)\s/, sub { $_[0] eq '==' ? '!=' : '==' });
	$change->('negation left out', 2, qr/(?<=[\s(])(!)(?=[\w(])/, sub { '' });
	$change->('flag turned', 2, qr/(?<!return )\b(true|false)\b/, sub { $_[0] eq 'true' ? 'false' : 'true' });
	$change->('sum turned', 3, qr/(?<=[\w)\]] )([+-])(?= [\w(])/, sub { $_[0] eq '+' ? '-' : '+' });
	return;
}

# What a function returns: another truth, or JA_OK for a failure.
sub _change_answers
{
	my ($self, $function) = @_;

	$self->_each_match(
		$function,
		qr/\breturn ([^;]+);/,
		sub {
			my ($start, $end) = @{ $_[0] };
			my $value = substr $self->{text}, $start, $end - $start;

			if ($value =~ /^(true|false)$/)
			{
				$self->_add($function, 'answer turned', $1 eq 'false' ? 1 : 2, $start, $end, $1 eq 'true' ? 'false' : 'true');
			}
			elsif ($function->{head} =~ /\bbool\s/)
			{
				$self->_add($function, 'always true', 1, $start, $end, "(($value), true)");
				$self->_add($function, 'always false', 2, $start, $end, "(($value), false)");
			}
			elsif ($function->{head} =~ /\bJaStatus\s/)
			{
				while ($value =~ /\b(JA_(?!OK\b)[A-Z0-9_]+)\b(?!\()/g)
				{
					$self->_add($function, 'failure passes', 1, $start + $-[1], $start + $+[1], 'JA_OK');
				}
				$self->_add($function, 'status ignored', 1, $start, $end, "(($value), JA_OK)")
				  if $value =~ /^\w+\(/;
			}
		});
	return;
}

# Statements that are calls or assignments.
sub _leave_out_statements
{
	my ($self, $function) = @_;

	$self->_each_match(
		$function,
		qr/^\t+(?:\(void\) )?((\w+)\()/m,
		sub {
			my $open = $_[0][1] - 1;
			my $name = substr $self->{code}, $_[1][0], $_[1][1] - $_[1][0];
			my $end = $self->_behind_parenthesis($open) // return;

			return if $name =~ /^(?:if|while|for|switch|return|sizeof|Assert|StaticAssert\w*|PG_\w+|elog)$/;
			return unless substr($self->{code}, $end, 1) eq ';';
			$self->_leave_out($function, 'call left out', $name =~ $GUARDS ? 1 : 3, $_[0][0], $end);
		});
	$self->_each_match(
		$function,
		qr/^\t+(\*?[a-z_]\w*(?:(?:->|\.)\w+|\[[^\]\n]*\])*) ([|&+-]?=) /m,
		sub {
			my ($start, $value_start) = ($_[0][0], $_[1][1] + 1);
			my $name = substr $self->{code}, $start, $_[0][1] - $start;
			my $end = index $self->{code}, ';', $start;
			my $value = substr $self->{text}, $value_start, $end - $value_start;

			if ($name =~ /status|^found|^is_/)
			{
				$self->_add($function, 'result ignored', 1, $start, $end, "(void) ($value)");
			}
			else
			{
				$self->_leave_out($function, 'assignment left out', 3, $start, $end);
			}
		});
	return;
}

sub _leave_out
{
	my ($self, $function, $kind, $rank, $start, $end) = @_;
	my $gone = substr $self->{text}, $start, $end - $start;

	$self->_add($function, $kind, $rank, $start, $end, '(void) 0' . $gone =~ s/[^\n]+//gr);
	return;
}

# Two calls that follow each other, one line each.
sub _swap_statements
{
	my ($self, $function) = @_;

	$self->_each_match(
		$function,
		qr/(?:^|(?<=[;{}]\n))(?=(\t+)(\w[\w.>\[\]-]*(?: = \w+)?\([^\n]*\);)\n\1(\w[\w.>\[\]-]*(?: = \w+)?\([^\n]*\);)\n)/,
		sub {
			my ($first, $second) = @_[ 1, 2 ];
			my @texts = map { substr $self->{text}, $_->[0], $_->[1] - $_->[0] } $first, $second;
			my $between = substr $self->{text}, $first->[1], $second->[0] - $first->[1];

			return if grep { /^(?:if|while|for|switch|return)\b/ } @texts;
			$self->_add($function, 'order swapped', 3, $first->[0], $second->[1], "$texts[1]$between$texts[0]");
		});
	return;
}

# Conditions, bounds and locks of SQL, in each line of a literal.
sub _change_sql
{
	my ($self) = @_;

	pos($self->{code}) = 0;
	while ($self->{code} =~ /"(_+)"/g)
	{
		my ($start, $end) = ($-[1], $+[1]);
		my $sql = substr $self->{text}, $start, $end - $start;

		next unless $sql =~ $SQL;
		my $add = sub {
			my ($kind, $rank, $from, $to, $text) = @_;
			my $length = $to - $from;

			$self->_add($self->_function_at($start), $kind, $rank, $start + $from, $start + $to, $text)
			  if _is_balanced(substr $sql, $from, $length);
		};

		while ($sql =~ /(?= AND )/g)
		{
			my $from = $-[0];
			my ($condition) = substr($sql, $from) =~ /^( AND (?:[^()]|(\((?:[^()]|(?2))*\)))*?)(?= AND | ORDER BY | LIMIT | FOR | RETURNING | OFFSET |\)|$)/ or next;

			# The condition may go on in the next literal.
			next if $condition =~ /(?:OPERATOR\([^)]*\)|\b(?:IN|AND|OR|NOT|EXISTS|ANY)|,)$/;
			$add->('condition of SQL left out', 1, $from, $from + length $condition, '');
		}
		$add->('lock of SQL left out', 1, $-[1], $+[1], '') while $sql =~ /( FOR (?:(?:NO KEY )?UPDATE|(?:KEY )?SHARE)(?: OF \w+)?(?: SKIP LOCKED| NOWAIT)?)/g;
		$add->('bound of SQL off by one', 2, $-[1], $+[1], $OTHER_BOUND{$1})
		  while $sql =~ /(?<=OPERATOR\(pg_catalog\.)([<>]=?)(?=\))/g;
		$add->('condition of SQL turned', 1, $-[1], $+[1], $1 eq 'IS NULL' ? 'IS NOT NULL' : 'IS NULL')
		  while $sql =~ /\b(IS NULL|IS NOT NULL)\b/g;
		$add->('condition of SQL turned', 2, $-[1], $+[1], $1 eq 'GREATEST' ? 'LEAST' : 'GREATEST') while $sql =~ /\b(GREATEST|LEAST)\b/g;
		$add->('condition of SQL turned', 2, $-[1], $+[1], '') while $sql =~ /\b(NOT )(?=EXISTS|\()/g;
	}
	return;
}

sub _is_balanced
{
	my ($text) = @_;

	return $text =~ tr/(// == $text =~ tr/)//;
}

sub _function_at
{
	my ($self, $offset) = @_;

	for my $function (@{ $self->{functions} })
	{
		return $function if $offset >= $function->{start} && $offset < $function->{end};
	}
	my ($name) = substr($self->{code}, 0, $offset) =~ /.*^static [^\n]*?\b(\w+)(?:\[[^\]]*\])? =\s/ms;
	return { name => $name // '-', is_statement => 1 };
}

sub _add
{
	my ($self, $function, $kind, $rank, $start, $end, $text) = @_;
	my %mutant = (
		path => $self->{path}, function => $function->{name}, is_statement => $function->{is_statement},
		kind => $kind, rank => $rank, offset => $start, length => $end - $start, text => $text);
	my $first = 1 + rindex $self->{text}, "\n", $start - 1;
	my $last = index $self->{text}, "\n", $end;
	my $lines = substr $self->{text}, $first, $last - $first;

	$mutant{line} = 1 + (substr($self->{text}, 0, $start) =~ tr/\n//);
	$mutant{last_line} = $mutant{line} + (substr($self->{text}, $start, $end - $start) =~ tr/\n//);
	$mutant{before} = _on_one_line($lines);
	substr($lines, $start - $first, $end - $start) = $text;
	$mutant{after} = _on_one_line($lines);
	return if $mutant{before} eq $mutant{after};

	# The same change of the same text elsewhere in the function is another one.
	my $count = $self->{seen}{ key(\%mutant) }++;
	$mutant{after} .= " (number " . ($count + 1) . ')' if $count;
	push @{ $self->{found} }, \%mutant;
	return;
}

sub _on_one_line
{
	my ($text) = @_;

	$text =~ s/\s+/ /g;
	return $text =~ s/^ | $//gr;
}

1;
