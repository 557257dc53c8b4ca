// Package structure holds tests of the whole tree's form, and no code: see its test files for the rules.
package structure
