package assembly

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Sizes in bytes.
const (
	maxManifest = 256 << 20 // far more than a thousand apps in every region take
	maxTemplate = 1_000_000 // CloudFormation's limit
)

// load reads the manifest and verifies the directory against it.
func (a *Assembly) load(root *os.Root) error {
	body, err := a.manifestBody(root)
	if err != nil {
		return err
	}
	if problem := a.decode(body); problem != "" {
		return a.invalid(manifestFile + ": " + problem)
	}
	if problems := a.Manifest.problems(); len(problems) > 0 {
		for i := range problems {
			problems[i] = manifestFile + ": " + problems[i]
		}
		return a.invalid(problems...)
	}
	// The manifest's own problems come first: with a bad path in it, comparing files would be of no use.
	problems, err := a.verify(root)
	if err != nil {
		return fmt.Errorf("read %s: %w", a.dir, err)
	}
	if len(problems) > 0 {
		return a.invalid(problems...)
	}
	return nil
}

// manifestBody reads manifest.json, unless it is no regular file or absurdly large. The checks come before reading,
// because the directory may come from anywhere.
func (a *Assembly) manifestBody(root *os.Root) ([]byte, error) {
	info, err := root.Lstat(manifestFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, a.invalid(manifestFile + ": is missing: give a directory that spacel build made")
	case err != nil:
		return nil, fmt.Errorf("read %s/%s: %w", a.dir, manifestFile, err)
	case !info.Mode().IsRegular():
		return nil, a.invalid(manifestFile + ": " + notRegular)
	case info.Size() > maxManifest:
		return nil, a.invalid(fmt.Sprintf("%s: is %d bytes, more than any build writes: run spacel build again", manifestFile, info.Size()))
	}
	return root.ReadFile(manifestFile)
}

// notRegular is the problem of a symbolic link, device or socket: its content could change after the check.
const notRegular = "is not a plain file, and a build makes only those: remove it, or run spacel build again"

// decode reads the format first, because a manifest of another format may have other fields.
func (a *Assembly) decode(body []byte) string {
	var head struct{ Format int }
	if err := json.Unmarshal(body, &head); err != nil {
		return err.Error() + ": run spacel build again, or restore it"
	}
	if head.Format != Format {
		return fmt.Sprintf("its format is %d, this spacel reads %d: run spacel build again, or use the spacel that built it",
			head.Format, Format)
	}
	return decodeStrictly(body, &a.Manifest)
}

// verify compares the directory with the manifest, and returns the problems sorted.
func (a *Assembly) verify(root *os.Root) ([]string, error) {
	want := a.expectedFiles()
	problems, found, err := listFiles(root, want)
	if err != nil {
		return nil, err
	}
	for name := range want {
		if !found[name] {
			problems = append(problems, name+": is missing: run spacel build again, or restore it")
		}
	}
	changed, err := verifyFiles(root, want, found)
	problems = append(problems, changed...)
	slices.Sort(problems)
	return problems, err
}

// file is the manifest's statement about one file. Templates have no size in the manifest, because their digest is enough.
type file struct {
	digest string
	size   int64 // bytes; -1 when not said
}

// expectedFiles maps each path in the manifest to its digest and size. manifest.json and sourcemap.json are not among them: the
// first cannot hold its own digest, and the second may change without a new review.
func (a *Assembly) expectedFiles() map[string]file {
	want := map[string]file{}
	for _, stack := range a.Manifest.Stacks {
		want[stack.Template] = file{stack.Digest, -1}
	}
	for _, asset := range a.Manifest.Assets {
		want[asset.Path] = file{asset.Digest, int64(asset.Size)}
	}
	return want
}

// listFiles walks the directory. It returns problems for unlisted and irregular files, and the set of listed files that
// exist.
func listFiles(root *os.Root, want map[string]file) (problems []string, found map[string]bool, err error) {
	found = map[string]bool{}
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		_, expected := want[name]
		switch {
		case err != nil:
			return err
		case e.IsDir():
			return nil
		case !expected && name != manifestFile && name != sourceMapFile:
			problems = append(problems, name+": "+manifestFile+" does not list it: remove it, or run spacel build again")
		case !e.Type().IsRegular():
			problems = append(problems, name+": "+notRegular)
			// Otherwise the file would also be reported as missing.
			delete(want, name)
		default:
			found[name] = true
		}
		return nil
	})
	return problems, found, err
}

// verifyFiles computes digests in parallel, one file per CPU, since a large orbit has thousands of templates.
func verifyFiles(root *os.Root, want map[string]file, found map[string]bool) ([]string, error) {
	var mu sync.Mutex
	var problems []string
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for name, expected := range want {
		if !found[name] {
			continue
		}
		work.Go(func() error {
			problem, err := expected.verify(root, name)
			if problem != "" {
				mu.Lock()
				problems = append(problems, problem)
				mu.Unlock()
			}
			return err
		})
	}
	err := work.Wait()
	return problems, err
}

// verify returns the problem of one file, or "". The file is hashed as a stream. Only a mismatch reads it into memory,
// to look for converted line ends.
func (f file) verify(root *os.Root, name string) (string, error) {
	opened, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer opened.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, opened)
	if err != nil {
		return "", err
	}
	got := hex.EncodeToString(sum.Sum(nil))
	if got == f.digest && (f.size == size || f.size < 0) {
		return "", nil
	}
	// The content is right, so the manifest's size must be wrong: somebody edited manifest.json.
	if got == f.digest {
		return fmt.Sprintf("%s: is %d bytes, manifest.json says %d: run spacel build again, or restore it", name, size, f.size), nil
	}
	// A file of this size is no template. It is not loaded only to explain the difference.
	if size > maxTemplate {
		return changed(name, f.digest, got, nil), nil
	}
	body, err := root.ReadFile(name)
	return changed(name, f.digest, got, body), err
}
