# SPDX-License-Identifier: BSD-2-Clause
#
# A witness for our DKIM verifier: Mail::DKIM (Debian's libmail-dkim-perl).
#
#     dkim_witness.pl NAME=RECORD...
#
# The arguments are all the DNS there is. Standard input is a stream of messages, each with a line
# before it that says how many octets it has. For each message one line goes to standard output: the
# verdicts on its signatures from the top, separated by tabs, `pass` or `fail REASON`.

use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;

my %records = map { split /=/, $_, 2 } @ARGV;

package LocalRecord {
    sub new { my ($class, $text) = @_; return bless {text => $text}, $class }
    sub type    { return 'TXT' }
    sub txtdata { return $_[0]{text} }
    sub char_str_list { return ($_[0]{text}) }
}

{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($name) = @_;
        return exists $records{$name} ? (LocalRecord->new($records{$name})) : ();
    };
    *Mail::DKIM::DNS::query_async = sub {
        my ($name, $type, %callbacks) = @_;
        my @result = $callbacks{Callbacks}{Success}->(Mail::DKIM::DNS::query($name));
        return sub { return @result };
    };
}

sub verdict {
    my ($signature) = @_;
    return 'pass' if $signature->result eq 'pass';
    my $detail = $signature->result_detail;
    $detail =~ s/\s+/ /g;
    return 'fail ' . substr $detail, 0, 200;
}

binmode STDIN;
while (defined(my $size = <STDIN>)) {
    read(STDIN, my $message, $size) == $size or die "the stream is cut\n";
    my $verifier = Mail::DKIM::Verifier->new();
    my @verdicts = eval {
        $verifier->PRINT($message);
        $verifier->CLOSE();
        map { verdict($_) } $verifier->signatures;
    };
    @verdicts = ("fail $@") if $@;
    print join("\t", map { tr/\n/ /r } @verdicts), "\n";
}
