using System.Text;
using OpenCloud.Build.Definitions.Hcl.Functions;
using Xunit;

namespace OpenCloud.Build.Definitions.Tests.Hcl;

/// <summary>Functions whose answers buildx cannot give as data: random ones, and those that it documents and refuses.</summary>
public sealed class HclFunctionTests
{
    // The vectors of Openwall's crypt_blowfish (wrapper.c) and of golang.org/x/crypto/bcrypt (bcrypt_test.go).
    [Theory]
    [InlineData("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    [InlineData("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK")]
    [InlineData("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a")]
    [InlineData("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy")]
    [InlineData("allmine", "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga")]
    public void PasswordsAreHashedAsEverywhere(string password, string hash)
    {
        int cost = int.Parse(hash[4..6], System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(hash, Bcrypt.Hash(Encoding.ASCII.GetBytes(password), cost, Salt(hash[7..29])));
    }

    [Fact]
    public void PiHasItsKnownWords() => Assert.Equal([0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u], PiFraction.Words(4));

    [Theory]
    [InlineData("bcrypt(\"x\", 4)", 4)]
    [InlineData("bcrypt(\"x\")", 10)]
    [InlineData("bcrypt(\"x\", 3)", 10)]
    [InlineData("bcrypt(5, \"4\")", 4)]
    public void AHashHasItsCostAndASaltOfItsOwn(string call, int cost)
    {
        string hash = HclText.Evaluate(call).Text;
        Assert.Matches($@"\A\$2a\${cost:00}\$[./A-Za-z0-9]{{53}}\z", hash);
        Assert.NotEqual(hash, HclText.Evaluate(call).Text);
    }

    [Theory]
    [InlineData("byteslen(\"Docker\")", "6")]
    [InlineData("byteslen(\"é😀\")", "6")]
    [InlineData("byteslen(12)", "2")]
    [InlineData("bytesslice(\"Docker\", 0, 3)", "\"Doc\"")]
    [InlineData("bytesslice(\"aé\", 1, 2)", "\"é\"")]
    [InlineData("bytesslice(\"ab\", 2, 0)", "\"\"")]
    public void BytesAreThoseOfUtf8(string call, string json) => Assert.Equal(json, HclText.Json(call));

    [Theory]
    [InlineData("bcrypt()")]
    [InlineData("bcrypt(\"x\", 4, 5)")]
    [InlineData("bcrypt(\"x\", 32)")]
    [InlineData("bcrypt(\"x\", 31)")]
    [InlineData("bcrypt(\"x\", 4.5)")]
    [InlineData("bcrypt(format(\"%073d\", 0), 4)")]
    [InlineData("bcrypt(null)")]
    [InlineData("byteslen(null)")]
    [InlineData("byteslen([])")]
    [InlineData("bytesslice(\"abc\", 1)")]
    [InlineData("bytesslice(\"abc\", -1, 1)")]
    [InlineData("bytesslice(\"abc\", 1, -1)")]
    [InlineData("bytesslice(\"abc\", 1, 3)")]
    [InlineData("bytesslice(\"abc\", 2147483647, 2147483647)")]
    [InlineData("bytesslice(\"é\", 1, 1)")]
    public void OtherCallsAreRefused(string call) => HclText.Refused(call);

    [Fact]
    public void AFunctionOfWorkIsBounded() => Assert.True(HclText.Refused("bcrypt(\"x\", 14)").IsBudget);

    // The salt's own base64: the letters in this order, without padding.
    private static byte[] Salt(string text)
    {
        const string letters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        const string usual = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        return Convert.FromBase64String(string.Concat(text.Select(c => usual[letters.IndexOf(c, StringComparison.Ordinal)])) + "==")[..16];
    }
}
