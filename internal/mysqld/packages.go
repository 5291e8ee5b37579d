package mysqld

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"kafkahandson/internal/home"
	"kafkahandson/internal/i18n"
)

// fetchPackages returns the MariaDB that this machine's distribution packages, without root and without a change to the
// system: apt downloads the packages that are not installed into the course's home, and dpkg unpacks them there, once
// for all servers. Debian and Ubuntu only; elsewhere, and without a network, it is ErrNoProgram.
func fetchPackages(ctx context.Context, progress func(i18n.Text)) (program, error) {
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg"} {
		if _, err := exec.LookPath(tool); err != nil {
			return program{}, ErrNoProgram
		}
	}
	dir, err := home.Dir("mysql", "packages")
	if err != nil {
		return program{}, err
	}
	unlock, err := lockFile(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return program{}, err
	}
	defer unlock()

	root := filepath.Join(dir, "mariadb") // there only when complete
	unpacked := func(root string) (program, error) {
		return program{
			Server:    filepath.Join(root, "usr/sbin/mariadbd"),
			InstallDB: filepath.Join(root, "usr/bin/mariadb-install-db"),
			Root:      root,
		}.again(ctx)
	}
	if p, err := unpacked(root); err == nil {
		return p, nil
	}
	progress(i18n.Text{
		EN: "no MariaDB or MySQL to use here: fetching MariaDB's packages, about 10 MB, once",
		KO: "쓸 수 있는 MariaDB나 MySQL이 없어서 MariaDB 패키지(약 10 MB)를 내려받는 중입니다. 처음 한 번만 필요합니다",
	})
	fresh := filepath.Join(dir, "fetch")
	if err := os.RemoveAll(fresh); err != nil { // what a killed fetch left
		return program{}, fmt.Errorf("fetch MariaDB's packages: %w", err)
	}
	defer os.RemoveAll(fresh)
	if err := download(ctx, fresh); err != nil {
		if ctx.Err() != nil {
			return program{}, fmt.Errorf("fetch MariaDB's packages: %w", err)
		}
		return program{}, fmt.Errorf("%w, and MariaDB's packages cannot be fetched: %w", ErrNoProgram, err) // no network, say
	}
	if _, err := unpacked(filepath.Join(fresh, "root")); err != nil {
		return program{}, fmt.Errorf("fetch MariaDB's packages: they do not run here: %w", err)
	}
	if err := os.RemoveAll(root); err != nil {
		return program{}, fmt.Errorf("fetch MariaDB's packages: %w", err)
	}
	if err := os.Rename(filepath.Join(fresh, "root"), root); err != nil {
		return program{}, fmt.Errorf("fetch MariaDB's packages: %w", err)
	}
	return unpacked(root)
}

// download fetches and unpacks into dir/root: with the system's package lists, or, where these are missing (a
// container image) or older than the mirror, with lists of its own.
func download(ctx context.Context, dir string) error {
	options := []string{
		// apt would write its caches where only root may, or, as root, touch the system.
		"-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=",
		"-o", "APT::Sandbox::User=", // the user that apt becomes as root cannot enter the home folder
		"-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20",
	}
	system := apt{filepath.Join(dir, "system"), options}
	err := system.fetch(ctx, filepath.Join(dir, "root"))
	if err == nil || ctx.Err() != nil {
		return err
	}
	lists := filepath.Join(dir, "lists")
	if mkErr := os.MkdirAll(filepath.Join(lists, "partial"), 0o700); mkErr != nil {
		return errors.Join(err, mkErr)
	}
	own := apt{filepath.Join(dir, "own"), append(options, "-o", "Dir::State::Lists="+lists)}
	if _, updateErr := own.run(ctx, "apt-get", "update"); updateErr != nil {
		return errors.Join(err, updateErr)
	}
	return own.fetch(ctx, filepath.Join(dir, "root"))
}

// apt downloads into a folder.
type apt struct {
	dir     string
	options []string
}

var (
	serverPackage = regexp.MustCompile(`(?m)^mariadb-server-core(-[0-9.]+)? - `)
	aptInstalls   = regexp.MustCompile(`(?m)^Inst (\S+) `)
)

// fetch downloads the server and what it needs and this machine lacks, and unpacks it into root.
func (a apt) fetch(ctx context.Context, root string) error {
	// Debian ≥ 12 and Ubuntu ≥ 23.04 have one version; before, it was part of the name.
	out, err := a.run(ctx, "apt-cache", "search", "--names-only", "^mariadb-server-core")
	if err != nil {
		return err
	}
	found := serverPackage.FindAllStringSubmatch(out, -1)
	if len(found) == 0 {
		return errors.New("apt knows no package mariadb-server-core")
	}
	version := slices.MinFunc(found, func(a, b []string) int { return strings.Compare(a[1], b[1]) })[1]
	wanted := []string{"mariadb-server-core" + version, "mariadb-client-core" + version}

	// apt knows best what else is missing here, and what it is called: libaio1 is libaio1t64 since Ubuntu 24.04.
	out, err = a.run(ctx, "apt-get", append([]string{"--simulate", "--no-install-recommends", "install"}, wanted...)...)
	if err != nil {
		return err
	}
	for _, inst := range aptInstalls.FindAllStringSubmatch(out, -1) {
		// A C library other than the machine's own would not work with the machine's loader.
		if name := inst[1]; !slices.Contains(wanted, name) && name != "libc6" {
			wanted = append(wanted, name)
		}
	}
	if _, err := a.run(ctx, "apt-get", append([]string{"download"}, wanted...)...); err != nil {
		return err
	}
	for _, deb := range glob(a.dir, "*.deb") {
		if _, err := a.run(ctx, "dpkg", "--extract", deb, root); err != nil {
			return err
		}
	}
	return nil
}

// run returns what a command prints; its error has what the command said about it.
func (a apt) run(ctx context.Context, name string, args ...string) (string, error) {
	if name != "dpkg" {
		args = append(slices.Clone(a.options), args...)
	}
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = a.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	cmd.WaitDelay = time.Second // apt's download methods hold the output open for a moment
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, args[len(args)-1], err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}
