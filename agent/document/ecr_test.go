package document

import "testing"

func TestParseECRImage(t *testing.T) {
	for image, want := range map[string]ECRImage{
		"123456789012.dkr.ecr.us-east-1.amazonaws.com/team/shop:7": {
			ECR{"123456789012.dkr.ecr.us-east-1.amazonaws.com", "123456789012", "us-east-1", "aws", false}, "team/shop", "7", "",
		},
		"123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/a": {
			ECR{"123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "123456789012", "us-gov-west-1", "aws-us-gov", true}, "a", "", "",
		},
		"123456789012.dkr-ecr.eu-central-2.on.aws/a/b/c@sha256:ab": {
			ECR{"123456789012.dkr-ecr.eu-central-2.on.aws", "123456789012", "eu-central-2", "aws", false}, "a/b/c", "", "sha256:ab",
		},
		"123456789012.dkr-ecr-fips.us-east-1.on.aws/a:t@sha256:ab": {
			ECR{"123456789012.dkr-ecr-fips.us-east-1.on.aws", "123456789012", "us-east-1", "aws", true}, "a", "t", "sha256:ab",
		},
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a": {
			ECR{"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "123456789012", "cn-north-1", "aws-cn", false}, "a", "", "",
		},
		"123456789012.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn/a": {
			ECR{"123456789012.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn", "123456789012", "cn-northwest-1", "aws-cn", false},
			"a", "", "",
		},
	} {
		if got, ok := ParseECRImage(image); !ok || got != want {
			t.Errorf("%s: got %+v, %v", image, got, ok)
		}
	}
	for _, image := range []string{
		"", "nginx", "public.ecr.aws/nginx/nginx:1",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com/",
		"12345.dkr.ecr.us-east-1.amazonaws.com/a", "123456789012.dkr.ecr.us-east-1.example.com/a",
		"x.123456789012.dkr.ecr.us-east-1.amazonaws.com/a",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example/a", "123456789012.dkrxecr.us-east-1.amazonaws.com/a",
	} {
		if got, ok := ParseECRImage(image); ok {
			t.Errorf("%s is taken for %+v", image, got)
		}
	}
}

// A reference's text and its parts say the same.
func TestReferenceTexts(t *testing.T) {
	for text, want := range map[string]Reference{
		"secret:shop/api":           {FromSecret, "shop/api", ""},
		"secret:shop/api#a#b.c":     {FromSecret, "shop/api", "a#b.c"},
		"secret:arn:aws:x:shop-1#k": {FromSecret, "arn:aws:x:shop-1", "k"},
		"ssm:/shop/level:3":         {FromParameter, "/shop/level:3", ""},
		"database:main.jdbc_url":    {FromDatabase, "main", FieldJDBC},
		"cache:a-b.url":             {FromCache, "a-b", FieldURL},
		"resource:Queue":            {FromResource, "Queue", ""},
		"resource:Db.Endpoint.Port": {FromResource, "Db", "Endpoint.Port"},
	} {
		if got := ParseReference(text); got != want || got.String() != text {
			t.Errorf("%s: got %+v, which is %s", text, got, got)
		}
	}
}
