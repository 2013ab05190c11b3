# SPDX-License-Identifier: BSD-2-Clause
#
# The other side of dkim_interop_test: Mail::DKIM. Prints "FILE INDEX pass|fail" for every RSA
# signature of the *.eml in the folder, whose keys.txt (NAME TAB RECORD) stands for the DNS. Debian 12's
# Mail::DKIM knows no Ed25519.

use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;

my $folder = $ARGV[0];
my %records;
open(my $keys, '<', "$folder/keys.txt") or die $!;
while (my $line = <$keys>) {
    chomp $line;
    my ($name, $record) = split /\t/, $line, 2;
    $records{$name} = $record;
}

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

for my $path (sort glob "$folder/*.eml") {
    open(my $message, '<:raw', $path) or die $!;
    my $verifier = Mail::DKIM::Verifier->new();
    $verifier->load($message);
    my $index = 0;
    for my $signature ($verifier->signatures) {
        (my $name = $path) =~ s{.*/}{};
        my $word = $signature->result eq 'pass' ? 'pass' : 'fail';
        print "$name $index $word\n" if $signature->algorithm eq 'rsa-sha256';
        ++$index;
    }
}
