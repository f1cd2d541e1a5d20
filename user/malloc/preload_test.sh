#!/bin/sh
# preload_test.sh LIBRARY -- programs that nobody here wrote work with our malloc in place of theirs.
#
# Each does real work twice, with the C library's malloc and with LIBRARY preloaded: the output must
# be the same, to the byte, and so must be the status.  PRELOADED says that it was: `seen` lists what
# the program has mapped.
set -u

library=$(readlink -f -- "$1") || exit 1
work=${TEST_TMPDIR:-$(mktemp -d)}
cd -- "$work" || exit 4
export HOME="$work" LC_ALL=C GIT_CONFIG_NOSYSTEM=1 TZ=UTC
failed=0

# twice NAME COMMAND: it, as a shell script, in a folder of its own, without and with.
twice() {
	name=$1
	for with in '' "$library"; do
		rm -rf folder && mkdir folder || exit 4
		(cd folder && LD_PRELOAD=$with timeout 100 sh -c "$2") >"$name.out${with:+.ours}" 2>&1
		echo "status $?" >>"$name.out${with:+.ours}"
	done
	if ! cmp -s "$name.out" "$name.out.ours" || ! grep -q '^status 0$' "$name.out"; then
		echo "FAIL $name"
		diff "$name.out" "$name.out.ours" | head -n 20
		failed=1
	fi
}

LD_PRELOAD=$library cat /proc/self/maps | grep -q "$(basename "$library")" || {
	echo "FAIL the library is not mapped where it is preloaded"
	failed=1
}

# Whatever the C library has of malloc's it has too: or a program would mix two heaps.
libc=$(sed -n 's/.* \(\/.*libc\.so\.6\)$/\1/p' /proc/self/maps | head -n 1)
names='(__libc_)?(malloc|calloc|realloc|free|memalign|valloc|pvalloc)|cfree|reallocarray|aligned_alloc'
names="$names|posix_memalign|malloc_[a-z_]*|mallopt|mallinfo2?"
exported() { nm -D "$1" | sed -n 's/.* [TW] \([a-z_0-9]*\).*/\1/p' | grep -xE "$names" | sort; }
exported "$libc" >names.theirs
exported "$library" >names.ours
if ! grep -qx malloc names.theirs || comm -23 names.theirs names.ours | grep .; then
	echo "FAIL these are the C library's"
	failed=1
fi

cat >sums.py <<'PY'
import hashlib, json, re, threading
words = [("%x" % (i * 2654435761 % 2**32)) for i in range(30000)]
table = {}
for w in words: table.setdefault(w[:2], []).append(w)
text = json.dumps(table, sort_keys=True)
assert json.loads(text) == table
grown = bytearray()
for i in range(20000): grown += b"%d," % i
sums = [None] * 4
def work(n):
    s = hashlib.sha256()
    for i in range(3000): s.update(("%d" % (i * n)).encode() * (i % 50))
    sums[n] = s.hexdigest()
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for t in threads: t.start()
for t in threads: t.join()
print(len(text), len(grown), len(re.findall("a[0-9]+b", text)), sums)
PY

cat >words.pl <<'PL'
my (%seen, @kept);
for my $i (1 .. 60000) { my $w = sprintf "%x", ($i * 2654435761) % 65536; $seen{$w} .= "$i,"; }
for my $w (sort keys %seen) { push @kept, join "-", reverse split /,/, $seen{$w}; }
my $text = join "\n", @kept;
$text =~ s/(\d+)-(\d+)/$2+$1/g;
print length($text), " ", scalar(@kept), " ", unpack("%32C*", $text), "\n";
PL

cat >hot.c <<'C'
#include <stdio.h>
struct list { struct list *next; int value; };
static int sum(const struct list *l) { int s = 0; for (; l; l = l->next) s += l->value; return s; }
int main(void) { struct list a = { 0, 1 }, b = { &a, 2 }; printf("%d\n", sum(&b)); return 0; }
C

twice python3 'python3 ../sums.py'
twice perl 'perl ../words.pl'
twice git 'git init -q . && git config user.email a@b && git config user.name n &&
	export GIT_AUTHOR_DATE=2020-01-01T00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00Z &&
	for i in 1 2 3 4 5; do seq 1 "${i}000" >f$i; git add .; git commit -qm "commit $i"; done &&
	git gc -q && git fsck && git log --stat'
twice gcc 'aarch64-linux-gnu-gcc -O2 -c -o hot.o ../hot.c && cksum <hot.o &&
	aarch64-linux-gnu-gcc -O2 -flto -static -o hot ../hot.c && cksum <hot &&
	env -u LD_PRELOAD qemu-aarch64 ./hot'
twice clang 'clang -O2 -c -o hot.o ../hot.c && cksum <hot.o && clang -o hot ../hot.c && ./hot'
twice sort 'seq 1 50000 | awk "{ print \$1 * 7919 % 50021, \$1 }" | sort -n | cksum'
exit "$failed"
