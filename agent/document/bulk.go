package document

// A document that does not fit into user data travels in two pieces. Its bulk goes to an asset in S3, and user data keeps the
// rest, with the asset's place and digest. The agent fetches the asset and puts the two together again.

// copyBulk copies the fields of the bulk. It is the only place with a list of them. The two type parameters keep
// references (a T) out of the bulk: an asset is fetched as it was built, so deploy cannot put values into it.
func copyBulk[A, B any](to *Document[A], from *Document[B]) {
	to.Units, to.Files, to.Environments, to.Volumes = from.Units, from.Files, from.Environments, from.Volumes
	to.Registries, to.Tasks = from.Registries, from.Tasks
}

// Bulk returns the bulk as a document of its own, which says to which instances it belongs.
func (d *Document[T]) Bulk() Document[string] {
	bulk := Document[string]{Format: d.Format, Orbit: d.Orbit, App: d.App, Region: d.Region}
	copyBulk(&bulk, d)
	return bulk
}

// DropBulk removes the bulk from the document.
func (d *Document[T]) DropBulk() { copyBulk(d, &Document[T]{}) }

// TakeBulk puts the bulk back into a document without one.
func (d *Document[T]) TakeBulk(bulk *Document[string]) { copyBulk(d, bulk) }
