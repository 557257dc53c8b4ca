package compiler

import (
	"github.com/pebble/spacel/compiler/cfn"
	"github.com/pebble/spacel/schema/report"
)

// passwordLength suits every engine: Oracle allows 30 characters, MySQL 41, and a cache's token must have 16 (AWS::RDS::DBInstance,
// MasterUserPassword; ElastiCache User Guide, "Authenticating with the AUTH command"). Letters and digits alone make 178 bits of it
// and need no escape in a URL.
const passwordLength = 30

// passwordKey is where a secret's JSON holds the password. A database's secret holds what RDS adds to it too: username, host,
// port, engine, dbname.
const passwordKey = "password"

// password makes a secret with a generated password, and a copy of it in other regions. CloudFormation names it, so that no
// secret left of an earlier stack stands in the way.
//
// How it is generated must never change: Secrets Manager would make a new password at once, of which the database knows
// nothing.
func password(p *part, at report.Pos, id, description, template string, regions []string) *cfn.Secret {
	secret := add(p, at, id, &cfn.Secret{
		Description: description,
		GenerateSecretString: cfn.GenerateSecretString{
			SecretStringTemplate: template,
			GenerateStringKey:    passwordKey,
			PasswordLength:       passwordLength,
			ExcludePunctuation:   true,
		},
	})
	for _, region := range regions {
		secret.ReplicaRegions = append(secret.ReplicaRegions, cfn.ReplicaRegion{Region: region})
	}
	return secret
}

// reading lets the instances read secrets. The service's own key, which encrypts them, asks for no right of its own.
func reading(secrets ...cfn.Value) cfn.Statement {
	return cfn.Allow([]string{"secretsmanager:GetSecretValue"}, secrets...)
}
