package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
)

// configRoot is the user's configuration of appbur, "" when no place for it is known.
func (e *env) configRoot() string {
	config := e.getenv("XDG_CONFIG_HOME")
	if config == "" {
		home := e.getenv("HOME")
		if home == "" {
			return ""
		}
		config = filepath.Join(home, ".config")
	}
	return filepath.Join(config, "appbur")
}

// keysRoot is the directory below which init puts keys.
func (e *env) keysRoot() (string, error) {
	root := e.configRoot()
	if root == "" {
		return "", &usageError{appbur.WithHint(errors.New("no place for keys is known"), "pass --keys DIR, or set HOME")}
	}
	return filepath.Join(root, "keys"), nil
}

// bindingsRoot is the directory of the bindings (docs/formats/binding.md), "" when
// there is no place for them.
func (e *env) bindingsRoot() string {
	if root := e.configRoot(); root != "" {
		return filepath.Join(root, "repositories")
	}
	return ""
}

// keysDir finds the key directory of an open repository: the one that the user names,
// or else the one that this copy is bound to. Nothing in the repository has a say.
func (o *repositoryOptions) keysDir(e *env, repo *repository.Repository) (string, error) {
	root := e.bindingsRoot()
	if root == "" {
		if o.keys != "" {
			return o.keys, nil
		}
		_, err := e.keysRoot() // says what is missing
		return "", err
	}

	binding, err := repository.ReadBinding(root, repo.Dir())
	switch {
	case errors.Is(err, repository.ErrUnbound) && o.keys != "":
		return o.keys, nil
	case errors.Is(err, repository.ErrUnbound):
		return "", e.suggestKeys(repo, err)
	case err != nil:
		return "", err
	}

	if err := repo.CheckBinding(binding); err != nil {
		return "", err
	}
	e.warnWritable([]string{repository.BindingFile(root, binding)})
	if o.keys != "" {
		return o.keys, nil
	}
	return binding.Keys, nil
}

// judgeKeys is keysDir for who only judges a point. Who says on the command line whom
// to believe needs no key directory.
func (o *repositoryOptions) judgeKeys(e *env, repo *repository.Repository) (string, error) {
	dir, err := o.keysDir(e, repo)
	if errors.Is(err, repository.ErrUnbound) && (o.trust != "" || o.skipSignatures) {
		return "", nil
	}
	return dir, err
}

// suggestKeys names the keys that lie where init would have put those of this id. They
// are only named: the id comes from the repository, and the user decides.
func (e *env) suggestKeys(repo *repository.Repository, err error) error {
	root, rootErr := e.keysRoot()
	if rootErr != nil {
		return err
	}
	dir := filepath.Join(root, string(repo.Config().Repository))
	if _, statErr := os.Stat(dir); statErr != nil {
		return err
	}
	return appbur.WithHint(err,
		fmt.Sprintf("if this is a copy that you trust: appbur trust set --repo %s --keys %s (docs/trust.md)", repo.Dir(), dir))
}

// bind notes that a copy belongs to keys. Where there is no place for that, or where it
// cannot be written to, the keys have to be named in each command, and that is said.
func (e *env) bind(repo *repository.Repository, keys string) error {
	root := e.bindingsRoot()
	if root == "" {
		return nil
	}
	_, err := repo.Bind(root, keys)
	if err != nil && !errors.Is(err, repository.ErrOtherRepository) {
		e.warn("%s; name the keys in each command with --keys %s", oneLine(err.Error()), keys)
		return nil
	}
	return err
}

// warnWritable tells of files that decide what is believed and that others can change.
func (e *env) warnWritable(files []string) {
	for _, w := range keyring.WritableByOthers(files) {
		e.warn("%s decides whom to believe, and others than its owner can change it (mode %04o): chmod go-w %s", w.File, w.Mode, w.File)
	}
}
