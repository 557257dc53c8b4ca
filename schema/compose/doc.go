// Package compose turns Compose files into an app's manifest. compose-go reads the files, so that references, extends, include,
// merges and profiles mean what they mean to docker compose. Each key that it finds is either translated or listed with the
// reason: the readers of this package record which keys they have taken, and all others are findings.
package compose
