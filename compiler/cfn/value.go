package cfn

// Value is a literal or an intrinsic function: the type of every property for which this project needs references. The
// interface is sealed. References come from the methods of resources and parameters, so a dangling one cannot be
// written.
type Value interface{ value() }

// String is a literal text.
type String string

// Int is a literal number.
type Int int

// Bool is a literal boolean.
type Bool bool

// List is a list of values.
type List []Value

// Strings makes a List of literals.
func Strings(texts ...string) List {
	out := make(List, len(texts))
	for i, s := range texts {
		out[i] = String(s)
	}
	return out
}

// ref is Ref. The structs below are the JSON forms of intrinsic functions (CloudFormation Template Reference, "Intrinsic
// functions").
type ref struct{ Ref string }

type getAtt struct {
	GetAtt [2]string `json:"Fn::GetAtt"`
}

// join is Fn::Join: a separator and a []Value.
type join struct {
	Join [2]any `json:"Fn::Join"`
}

// sub is Fn::Sub in its short form, where all references stand in the text.
type sub struct {
	Sub string `json:"Fn::Sub"`
}

type base64Of struct {
	Base64 Value `json:"Fn::Base64"`
}

type selectOf struct {
	Select [2]any `json:"Fn::Select"`
}

type splitOf struct {
	Split [2]any `json:"Fn::Split"`
}

type cidrOf struct {
	Cidr [3]any `json:"Fn::Cidr"`
}

// The methods value and test do nothing. They keep other types out of the interfaces Value and Test, so the compiler finds a
// condition in the place of a value.
func (String) value()   {}
func (Int) value()      {}
func (Bool) value()     {}
func (List) value()     {}
func (ref) value()      {}
func (getAtt) value()   {}
func (join) value()     {}
func (sub) value()      {}
func (base64Of) value() {}
func (selectOf) value() {}
func (splitOf) value()  {}
func (cidrOf) value()   {}

// CloudFormation's pseudo parameters.
var (
	AccountID Value = ref{"AWS::AccountId"}
	Region    Value = ref{"AWS::Region"}
	Partition Value = ref{"AWS::Partition"}
	StackName Value = ref{"AWS::StackName"}
	StackID   Value = ref{"AWS::StackId"}
	NoValue   Value = ref{"AWS::NoValue"}
)

// Join concatenates values, a separator between them.
func Join(separator string, values ...Value) Value {
	return join{[2]any{separator, values}}
}

// Concat concatenates values; neighbouring literals become one, and literals alone a literal.
func Concat(values ...Value) Value {
	var pieces []Value
	for _, v := range values {
		last := len(pieces) - 1
		if s, ok := v.(String); ok && last >= 0 {
			if before, ok := pieces[last].(String); ok {
				pieces[last] = before + s
				continue
			}
		}
		pieces = append(pieces, v)
	}
	if len(pieces) == 1 {
		return pieces[0]
	}
	return join{[2]any{"", pieces}}
}

// ARN is the ARN of something in the template's own partition, region and account: ARN("logs", "log-group:", g.Ref()).
func ARN(service string, resource ...Value) Value {
	return arn(service, "${AWS::Region}", "${AWS::AccountId}", resource)
}

// BareARN is the ARN of something with neither region nor account, such as an S3 object.
func BareARN(service string, resource ...Value) Value {
	return arn(service, "", "", resource)
}

// arn is Fn::Sub where the resource is plain text and parameters' and resources' Refs, which reads best.
func arn(service, region, account string, resource []Value) Value {
	text := "arn:${AWS::Partition}:" + service + ":" + region + ":" + account + ":"
	return sub{text + substitution(resource)}
}

// substitution writes values in Fn::Sub's own notation.
func substitution(values []Value) string {
	text := ""
	for _, v := range values {
		switch v := v.(type) {
		case String:
			text += escapeSub(string(v))
		case ref:
			text += "${" + v.Ref + "}"
		case getAtt:
			text += "${" + v.GetAtt[0] + "." + v.GetAtt[1] + "}"
		default:
			panic("cfn: only literals, Ref and GetAtt can stand in an ARN")
		}
	}
	return text
}

// escapeSub keeps a literal ${ literal within Fn::Sub.
func escapeSub(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		out = append(out, s[i])
		if s[i] == '$' && i+1 < len(s) && s[i+1] == '{' {
			out = append(out, '{', '!')
			i++
		}
	}
	return string(out)
}

// Sub concatenates literals, Refs and GetAtts in one readable Fn::Sub.
func Sub(values ...Value) Value { return sub{substitution(values)} }

// Base64 is Fn::Base64.
func Base64(v Value) Value { return base64Of{v} }

// Select is one item of a list, counted from 0.
func Select(index int, list Value) Value { return selectOf{[2]any{index, list}} }

// Split is the list of a text's pieces between separators.
func Split(separator string, text Value) Value { return splitOf{[2]any{separator, text}} }

// Cidr splits an address block into count blocks of 2^hostBits addresses.
func Cidr(block Value, count, hostBits int) Value { return cidrOf{[3]any{block, count, hostBits}} }

// Condition is a named condition of a template.
type Condition struct {
	id   string
	test Test
}

// name is "" for nil: a resource without a condition.
func (c *Condition) name() string {
	if c == nil {
		return ""
	}
	return c.id
}

// Test is the boolean expression of a condition.
type Test interface{ test() }

type equals struct {
	Equals [2]Value `json:"Fn::Equals"`
}

type not struct {
	Not [1]Test `json:"Fn::Not"`
}

func (equals) test() {}
func (not) test()    {}

// Equals is true when both values are the same text.
func Equals(a, b Value) Test { return equals{[2]Value{a, b}} }

// Not negates.
func Not(t Test) Test { return not{[1]Test{t}} }
