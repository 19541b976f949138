using System.Globalization;
using System.Net;
using System.Numerics;

namespace OpenCloud.Build.Definitions.Hcl.Functions;

internal static class NetworkFunctions
{
    public static void Add(Dictionary<string, HclFunction> all)
    {
        all["cidrhost"] = static c =>
        {
            (BigInteger start, int prefix, int bits) = Range(c.Takes(2), 0);
            BigInteger size = BigInteger.One << (bits - prefix);
            BigInteger number = (BigInteger)decimal.Truncate(c.Number(1));
            number = number < 0 ? number + size : number;
            return number >= 0 && number < size ? c.Made(Text(start + number, bits)) : throw c.Refuse($"a prefix of {prefix} bits has no host {c.Text(1)}.");
        };
        all["cidrnetmask"] = static c =>
        {
            (_, int prefix, int bits) = Range(c.Takes(1), 0);
            return bits == 32 ? c.Made(Text((BigInteger.One << 32) - (BigInteger.One << (32 - prefix)), 32)) : throw c.Refuse("netmasks are only available for IPv4.");
        };
        all["cidrsubnet"] = static c =>
        {
            (BigInteger start, int prefix, int bits) = Range(c.Takes(3), 0);
            int more = c.Integer(1);
            BigInteger number = (BigInteger)decimal.Truncate(c.Number(2));
            if (more < 0 || more > bits - prefix || number < 0 || number >= BigInteger.One << more)
            {
                throw c.Refuse($"a prefix of {prefix} bits has no network {number} of {more} bits more.");
            }

            return c.Made(Network(start + (number << (bits - prefix - more)), prefix + more, bits));
        };
        all["cidrsubnets"] = Subnets;
    }

    private static HclValue Subnets(HclCall call)
    {
        (BigInteger start, int prefix, int bits) = Range(call.Takes(1, int.MaxValue), 0);
        BigInteger end = start + (BigInteger.One << (bits - prefix));
        List<HclValue> networks = [];
        BigInteger next = start;
        for (int i = 1; i < call.Count; i++)
        {
            int more = call.Integer(i);
            if (more < 1 || more > bits - prefix)
            {
                throw call.Refuse($"a prefix of {prefix} bits cannot have {more} bits more.");
            }

            BigInteger size = BigInteger.One << (bits - prefix - more);
            next = (next + size - 1) / size * size;
            if (next + size > end)
            {
                throw call.Refuse("the networks do not fit into the range.");
            }

            networks.Add(HclValue.From(Network(next, prefix + more, bits)));
            next += size;
        }

        return call.Made(networks);
    }

    private static (BigInteger Start, int Prefix, int Bits) Range(HclCall call, int index)
    {
        string text = call.Text(index);
        int slash = text.LastIndexOf('/');
        if (slash > 0 && IPAddress.TryParse(text[..slash], out IPAddress? address)
            && int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int prefix))
        {
            byte[] bytes = address.GetAddressBytes();
            int bits = bytes.Length * 8;
            if (prefix <= bits && address.ScopeId() == 0)
            {
                BigInteger size = BigInteger.One << (bits - prefix);
                return (new BigInteger(bytes, isUnsigned: true, isBigEndian: true) / size * size, prefix, bits);
            }
        }

        throw call.Refuse($"'{text}' is not an address range, such as 10.1.0.0/16.");
    }

    private static long ScopeId(this IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? address.ScopeId : 0;

    private static string Network(BigInteger start, int prefix, int bits) => $"{Text(start, bits)}/{prefix}";

    private static string Text(BigInteger number, int bits)
    {
        byte[] bytes = new byte[bits / 8];
        byte[] digits = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        digits.CopyTo(bytes, bytes.Length - digits.Length);
        return new IPAddress(bytes).ToString();
    }
}
