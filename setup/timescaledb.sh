# TimescaleDB's Apache edition for Debian's own PostgreSQL: Debian 13 has it as a package, and on
# Debian 12 the source package of Debian 13 is built and installed as a package of that kind.
# shellcheck shell=bash disable=SC2034

timescaledb_title="TimescaleDB"
timescaledb_there() {
    local binary version
    for binary in /usr/lib/postgresql/*/bin/postgres; do
        version=${binary#/usr/lib/postgresql/} version=${version%%/*}
        [[ -x $binary && -e /usr/lib/postgresql/$version/lib/timescaledb.so ]] &&
            [[ -e /usr/share/postgresql/$version/extension/timescaledb.control ]] && return
    done
    return 1
}

timescaledb_packages() {
    if (($(debian) == 12)); then
        absent postgresql-15 postgresql-server-dev-15 build-essential cmake dpkg-dev \
            libkrb5-dev libssl-dev
    else
        absent postgresql-17 postgresql-17-timescaledb
    fi
}

timescaledb_make() {
    require_root # reached with all packages there: what is left is to build it
    build=$(mktemp -d) # not local: the trap runs after this function
    trap 'rm -rf "$build"' EXIT
    chmod 755 "$build" # apt fetches as a user of its own
    cd "$build"
    fetch_source
    build_package
    dpkg --install timescaledb.deb
}

# apt with a source list and package lists of its own: the machine's are not touched.
fetch_source() {
    mkdir -p apt/sources apt/lists/partial apt/cache/archives/partial
    apt-get indextargets --format \
        '$(SOURCESENTRY)|$(REPO_URI)|$(RELEASE)|$(CODENAME)|$(ORIGIN)|$(COMPONENT)' \
        'Created-By: Packages' |
        "$(python_command)" "$root/setup/newer_source.py" bookworm trixie >apt/sources/trixie.sources
    local apt=(apt-get
        -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$PWD/apt/sources"
        -o Dir::State::Lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt/cache")
    "${apt[@]}" update
    "${apt[@]}" -o APT::Sandbox::User=root source --only-source timescaledb
}

# As debian/rules does it, for PostgreSQL 15 and without the tests' tools.
build_package() {
    local version source
    version=$(sed -n 's/^Version: //p' timescaledb_*.dsc)
    source=$(echo timescaledb-*/)
    cmake -S "$source" -B build -DCMAKE_BUILD_TYPE=Release \
        -DPG_CONFIG=/usr/lib/postgresql/15/bin/pg_config -DAPACHE_ONLY=ON \
        -DUSE_TELEMETRY=OFF -DSEND_TELEMETRY_DEFAULT=OFF \
        -DREGRESS_CHECKS=OFF -DTAP_CHECKS=OFF -DWARNINGS_AS_ERRORS=OFF
    make -C build --jobs "$(nproc)"
    DESTDIR=$PWD/package make -C build install
    mkdir package/DEBIAN
    cat >package/DEBIAN/control <<END
Package: postgresql-15-timescaledb
Version: $version~deb12+kel
Architecture: $(dpkg --print-architecture)
Maintainer: local build <root@localhost>
Depends: postgresql-15
Section: database
Priority: optional
Description: TimescaleDB, Apache edition, for PostgreSQL 15
 Built on this machine from Debian's source package.
END
    dpkg-deb --build --root-owner-group package timescaledb.deb
}
