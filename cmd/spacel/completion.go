package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

const completionDescription = `Prints a completion script, to be loaded when the shell starts:

   source <(spacel completion bash)                                        in ~/.bashrc
   source <(spacel completion zsh)                                         in ~/.zshrc, after compinit
   spacel completion fish > ~/.config/fish/completions/spacel.fish`

// completionCommand prints a script for a shell. The user's shell evaluates it at every start, so it must stay quick: it does
// not call spacel until a word is completed.
func completionCommand(c *console) *cli.Command {
	return command(&cli.Command{
		Name:        "completion",
		Usage:       "print a shell's completion script",
		ArgsUsage:   "bash|zsh|fish",
		Description: completionDescription,
		BashComplete: func(*cli.Context) {
			fmt.Fprintln(c.out, "bash\nzsh\nfish")
		},
		Action: func(ctx *cli.Context) error {
			if err := exactly(ctx, 1, "one of bash, zsh and fish"); err != nil {
				return err
			}
			script, err := completionScript(ctx.App, ctx.Args().First())
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(c.out, script)
			return err
		},
	})
}

// completionScript returns the script for a shell. That for fish comes from the cli library, and lists all commands and flags
// itself instead of calling the program.
func completionScript(app *cli.App, shell string) (string, error) {
	switch shell {
	case "bash":
		return bashScript, nil
	case "zsh":
		return zshScript, nil
	case "fish":
		return app.ToFishCompletion()
	}
	return "", fmt.Errorf("spacel completion: must be bash, zsh or fish, got %q", shell)
}

// The scripts call the program with --generate-bash-completion as the last word, and it prints the possible next words.
// They
// pass the word at the cursor in SPACEL_COMPLETE. Where the program prints nothing the shell offers file names.
const (
	bashScript = `_spacel() {
  local current=${COMP_WORDS[COMP_CWORD]}
  local line=("${COMP_WORDS[@]:0:COMP_CWORD}")
  [[ $current == -* ]] && line+=("$current")
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$(SPACEL_COMPLETE=$current "${line[@]}" --generate-bash-completion 2>/dev/null)" -- "$current"))
}
complete -o bashdefault -o default -F _spacel spacel
`
	zshScript = `#compdef spacel
_spacel() {
  local current=${words[CURRENT]}
  local -a line answers
  line=("${words[@]:0:$((CURRENT - 1))}")
  [[ $current == -* ]] && line+=("$current")
  answers=("${(@f)$(SPACEL_COMPLETE=$current "${line[@]}" --generate-bash-completion 2>/dev/null)}")
  if [[ -n ${answers[1]} ]]; then
    compadd -- "${answers[@]}"
  else
    _files
  fi
}
compdef _spacel spacel
`
)
