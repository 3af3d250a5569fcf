# Shapes of a chart as SVG.  A chart has its own background, so that it can be
# read on any page, and follows a preference for dark colours.  Colours are
# classes; no scripts and no fonts are loaded.

package Svg;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(chart text line bar);

my $STYLE = <<'END';
text { fill: #1f2328 } .page { fill: #fff; stroke: #d1d9e0 }
.title { font-size: 16px; font-weight: 600 } .group { font-weight: 600 }
.muted { fill: #59636e } .grid { stroke: #d1d9e0 } .limit { stroke: #1f2328; stroke-width: 1.5 }
.range { stroke: #1f2328 } .ours { fill: #0969da } line.ours { stroke: #0969da; stroke-width: 1.5 } .bare { fill: #6e7781 } .other { fill: #b6bec7 }
.reached { fill: #0969da } .missed { fill: #bc4c00 } text.missed { font-weight: 600 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .page { fill: #0d1117; stroke: #30363d } .muted { fill: #9198a1 }
.grid { stroke: #30363d } .limit, .range { stroke: #e6edf3 } .ours { fill: #4493f8 } line.ours { stroke: #4493f8 }
.bare { fill: #8b949e } .other { fill: #545d68 } .reached { fill: #4493f8 }
.missed { fill: #f0883e } }
END

# A whole chart of shapes, with a title for readers and for screen readers.
sub chart
{
	my ($width, $height, $title, $description, @shapes) = @_;

	return join '', sprintf(<<'END', $width, $height, escape($title), escape($description)),
<svg xmlns="http://www.w3.org/2000/svg" width="%1$d" height="%2$d" viewBox="0 0 %1$d %2$d" role="img" aria-labelledby="title description" font-family="-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif" font-size="12">
<title id="title">%3$s</title>
<desc id="description">%4$s</desc>
END
	  "<style>\n$STYLE</style>\n",
	  sprintf(
		qq{<rect class="page" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>\n},
		$width - 1, $height - 1),
	  text(20, 30, $title, 'title'),
	  text(20, 49, $description, 'muted'),
	  @shapes, "</svg>\n";
}

sub text
{
	my ($x, $y, $content, $class, $anchor) = @_;

	return sprintf
	  qq{<text x="%.1f" y="%.1f"%s text-anchor="%s">%s</text>\n},
	  $x, $y, $class ? qq{ class="$class"} : '', $anchor // 'start',
	  escape($content);
}

sub line
{
	my ($x1, $y1, $x2, $y2, $class) = @_;

	return sprintf
	  qq{<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>\n},
	  $class, $x1, $y1, $x2, $y2;
}

# A horizontal bar.
sub bar
{
	my ($x1, $x2, $y, $height, $class) = @_;

	return sprintf
	  qq{<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2"/>\n},
	  $class, $x1, $y, $x2 - $x1, $height;
}

sub escape
{
	my ($content) = @_;

	$content =~ s/&/&amp;/g;
	$content =~ s/</&lt;/g;
	$content =~ s/>/&gt;/g;
	return $content;
}

1;
