package document

// Two tables of the orbit say who may log in. ServicesTable has an item for each app, with its admins. UsersTable has one for
// each person, with the public keys. DynamoDB has no empty sets: an empty one is an absent attribute.
const (
	AccessName   = "name"   // S, the key of both: an app's or a person's name
	AccessAdmins = "admins" // SS, in services: names of people
	AccessKeys   = "keys"   // SS, in users: lines as in an authorized_keys file

	// Operators is the service whose admins may log in to every instance.
	Operators = "SPACE_ELEVATOR_OPERATORS"
)
