package mysqld

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"kafkahandson/internal/i18n"
)

// program is an installed or fetched MariaDB or MySQL.
type program struct {
	Server string `json:"server"` // path of mariadbd or mysqld
	// InstallDB is the path of mariadb-install-db. Empty for MySQL, whose server makes the data directory itself.
	InstallDB string `json:"install_db,omitempty"`
	Root      string `json:"root,omitempty"` // where fetched packages are unpacked; empty if installed
	Version   string `json:"version"`        // "MariaDB 10.11.6", "MySQL 8.4.3"
}

// series is the product and version that can read one data directory: "MariaDB 10.11".
func (p program) series() string {
	if i := strings.LastIndexByte(p.Version, '.'); i > 0 {
		return p.Version[:i]
	}
	return p.Version
}

// mariaDB tells MariaDB from MySQL.
func (p program) mariaDB() bool { return p.InstallDB != "" }

// findInstalled finds an installed server: on PATH, and where it is although PATH does not say so. Debian keeps
// servers in /usr/sbin, which an ordinary user's PATH lacks, Fedora in /usr/libexec, Homebrew in folders of its own.
func findInstalled(ctx context.Context, _ func(i18n.Text)) (program, error) {
	if runtime.GOOS == "windows" {
		return program{}, ErrNoProgram
	}
	dirs := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range []string{
		"/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/bin", "/usr/local/mysql/bin",
		"/opt/homebrew/bin", "/opt/homebrew/opt/mariadb*/bin", "/opt/homebrew/opt/mysql*/bin",
		"/usr/local/opt/mariadb*/bin", "/usr/local/opt/mysql*/bin", "/home/linuxbrew/.linuxbrew/bin",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return program{}, err
		}
		dirs = append(dirs, found...)
	}
	var unusable error
	for _, name := range []string{"mariadbd", "mysqld"} {
		for _, dir := range dirs {
			server := filepath.Join(dir, name)
			if !filepath.IsAbs(server) || !executable(server) {
				continue
			}
			p := program{Server: server, InstallDB: firstExecutable(dirs, "mariadb-install-db", "mysql_install_db")}
			p, err := p.again(ctx)
			if err == nil {
				return p, nil
			}
			unusable = errors.Join(unusable, err)
		}
	}
	return program{}, cmp.Or(unusable, ErrNoProgram)
}

var versionLine = regexp.MustCompile(`Ver (\d+\.\d+\.\d+)`)

// again is the program as it is now: an upgrade may have changed or removed it.
func (p program) again(ctx context.Context) (program, error) {
	if p.Server == "" || !executable(p.Server) {
		return program{}, ErrNoProgram
	}
	out, err := p.command(ctx, filepath.Dir(p.Server), p.Server, "--no-defaults", "--version").CombinedOutput()
	if err != nil {
		return program{}, fmt.Errorf("%s --version: %w: %s", p.Server, err, errorLines(string(out)))
	}
	version := versionLine.FindSubmatch(out)
	if version == nil {
		return program{}, fmt.Errorf("%s --version: no version in %q", p.Server, out)
	}
	if !strings.Contains(string(out), "MariaDB") {
		p.InstallDB, p.Version = "", "MySQL "+string(version[1])
		return p, nil
	}
	p.Version = "MariaDB " + string(version[1])
	if p.InstallDB == "" || !executable(p.InstallDB) {
		return program{}, fmt.Errorf("%s has no mariadb-install-db with it", p.Server)
	}
	return p, nil
}

// command runs one of the program's executables in a folder. Fetched ones are told where their libraries and messages
// are. The paths are relative to the folder, because mariadb-install-db, a shell script, cannot bear a space in them.
// The folder takes temporary tables, too: MariaDB deletes those of all servers in a folder that it shares, when it starts.
func (p program) command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	if p.Root == "" {
		return cmd
	}
	flags := []string{"--basedir=" + relative(dir, filepath.Join(p.Root, "usr"))}
	if messages := glob(p.Root, "usr/share/*/english/errmsg.sys"); len(messages) > 0 {
		flags = append(flags, "--lc-messages-dir="+relative(dir, filepath.Dir(filepath.Dir(messages[0]))))
	}
	cmd.Args = slices.Insert(cmd.Args, 2, flags...) // --no-defaults stays the first
	libraries := slices.Concat(glob(p.Root, "usr/lib/*-linux-*"), glob(p.Root, "lib/*-linux-*"))
	cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+strings.Join(libraries, ":"))
	return cmd
}

// initCommand makes a data directory in a folder of its own in dir.
func (p program) initCommand(ctx context.Context, dir, data string) *exec.Cmd {
	name, args := p.Server, []string{"--no-defaults", "--initialize-insecure"}
	if p.mariaDB() {
		name, args = p.InstallDB, []string{"--no-defaults",
			"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
			"--force", // even if nobody can look up the name of this machine
		}
	}
	cmd := p.command(ctx, dir, name, slices.Concat(args, []string{"--datadir=" + relative(dir, data)}, sizeFlags(p), rootFlags())...)
	cmd.WaitDelay = time.Second // what the shell script started holds its output open after the script was killed
	return cmd
}

// relative is a path as seen from a folder. Both are absolute.
func relative(from, path string) string {
	if rel, err := filepath.Rel(from, path); err == nil {
		return "./" + rel
	}
	return path
}

// glob is what matches a well-formed pattern below a folder, whatever characters the folder's own name has.
func glob(dir, pattern string) []string {
	matches, err := fs.Glob(os.DirFS(dir), pattern)
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for i, m := range matches {
		matches[i] = filepath.Join(dir, m)
	}
	return matches
}

// rootFlags make the server run as root where this process is root, which it refuses unless told.
func rootFlags() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

func firstExecutable(dirs []string, names ...string) string {
	for _, name := range names {
		for _, dir := range dirs {
			if path := filepath.Join(dir, name); filepath.IsAbs(path) && executable(path) {
				return path
			}
		}
	}
	return ""
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// noProgram is the error of a machine on which no server can be had. The cause may be nil.
func noProgram(cause error) error {
	if cause == nil {
		return &Error{Reason: Missing, Err: ErrNoProgram}
	}
	return &Error{Reason: Unfit, Err: cause}
}
