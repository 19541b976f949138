using System.Security.Cryptography;
using System.Text;

namespace OpenCloud.Build.Definitions.Hcl.Functions;

/// <summary>Hashes, UUIDs and RSA decryption.</summary>
internal static class HashFunctions
{
    private const long StepsOfBcrypt = 64;

    public static void Add(Dictionary<string, HclFunction> all)
    {
        // These identify content and protect no secrets. Documents ask for the old algorithms.
#pragma warning disable CA5350, CA5351
        all["md5"] = static c => c.Made(Convert.ToHexStringLower(MD5.HashData(Bytes(c))));
        all["sha1"] = static c => c.Made(Convert.ToHexStringLower(SHA1.HashData(Bytes(c))));
#pragma warning restore CA5350, CA5351
        all["sha256"] = static c => c.Made(Convert.ToHexStringLower(SHA256.HashData(Bytes(c))));
        all["sha512"] = static c => c.Made(Convert.ToHexStringLower(SHA512.HashData(Bytes(c))));
        all["bcrypt"] = static c => c.Made(Password(c.Takes(1, 2)));
        all["uuidv4"] = static c => c.Takes(0).Made(Guid.NewGuid().ToString());
        all["uuidv5"] = static c => c.Made(NameBased(c.Takes(2)));
        all["rsadecrypt"] = static c => c.Made(Decrypt(c.Takes(2)));
    }

    private static byte[] Bytes(HclCall call) => Encoding.UTF8.GetBytes(call.Takes(1).Text(0));

    // A cost below the least is the default one, as with golang.org/x/crypto/bcrypt. Each doubles the work of the one before it; it counts, so that a
    // definition cannot take hours.
    private static string Password(HclCall call)
    {
        byte[] password = Encoding.UTF8.GetBytes(call.Text(0));
        int cost = call.Count == 2 ? call.Integer(1) : Bcrypt.DefaultCost;
        cost = cost < Bcrypt.LeastCost ? Bcrypt.DefaultCost : cost;
        if (password.Length > Bcrypt.MostBytes)
        {
            throw call.Refuse($"the text has more than {Bcrypt.MostBytes} bytes.");
        }

        if (cost > 31)
        {
            throw call.Refuse("the cost is greater than 31.");
        }

        call.Scope.Budget.Step(call.Position, StepsOfBcrypt << cost);
        return Bcrypt.Hash(password, cost, RandomNumberGenerator.GetBytes(Bcrypt.SaltBytes));
    }

    // RFC 9562, section 5.5.
    private static string NameBased(HclCall call)
    {
        Guid space = call.Text(0) switch
        {
            "dns" => new Guid("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
            "url" => new Guid("6ba7b811-9dad-11d1-80b4-00c04fd430c8"),
            "oid" => new Guid("6ba7b812-9dad-11d1-80b4-00c04fd430c8"),
            "x500" => new Guid("6ba7b814-9dad-11d1-80b4-00c04fd430c8"),
            string text when Guid.TryParse(text, out Guid given) => given,
            string text => throw call.Refuse($"'{text}' is not a namespace; use dns, url, oid, x500 or a UUID."),
        };
#pragma warning disable CA5350
        byte[] hash = SHA1.HashData([.. space.ToByteArray(bigEndian: true), .. Encoding.UTF8.GetBytes(call.Text(1))]);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0f) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true).ToString();
    }

    private static string Decrypt(HclCall call)
    {
        try
        {
            using RSA key = RSA.Create();
            key.ImportFromPem(call.Text(1));
            return Encoding.UTF8.GetString(key.Decrypt(Convert.FromBase64String(call.Text(0)), RSAEncryptionPadding.Pkcs1));
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException or ArgumentException)
        {
            throw call.Refuse("the text cannot be decrypted with the key.");
        }
    }
}
