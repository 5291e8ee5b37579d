// Package home knows where the course keeps what it may delete: built programs, data of the embedded servers,
// records of runs. It is one folder in the user's cache directory.
package home

import (
	"fmt"
	"os"
	"path/filepath"
)

// Env is the environment variable that moves the folder.
const Env = "KAFKAHANDSON_HOME"

// Dir returns the path of a subfolder (home.Dir("runs")) and creates it, for the user only (mode 0700).
// Default root: kafkahandson in [os.UserCacheDir].
func Dir(elem ...string) (string, error) {
	root := os.Getenv(Env)
	if root == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the cache directory (set %s to choose one): %w", Env, err)
		}
		root = filepath.Join(cache, "kafkahandson")
	}
	dir, err := filepath.Abs(filepath.Join(append([]string{root}, elem...)...))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("create %s (set %s to choose another folder): %w", dir, Env, err)
	}
	return dir, nil
}
