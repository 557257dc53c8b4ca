package document

// Who may log in stands in two tables of the orbit: <orbit>-services has an item per app, with its admins, and <orbit>-users
// one per person, with the public keys. A set that is empty is absent, as DynamoDB has it.
const (
	AccessName   = "name"   // S, the key of both: an app's or a person's name
	AccessAdmins = "admins" // SS, in services: names of people
	AccessKeys   = "keys"   // SS, in users: lines as in an authorized_keys file

	// Operators is the service whose admins may log in to every instance.
	Operators = "SPACE_ELEVATOR_OPERATORS"
)
