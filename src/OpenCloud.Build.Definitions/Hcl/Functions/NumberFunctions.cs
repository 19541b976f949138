using System.Globalization;
using System.Numerics;

namespace OpenCloud.Build.Definitions.Hcl.Functions;

internal static class NumberFunctions
{
    public static void Add(Dictionary<string, HclFunction> all)
    {
        all["absolute"] = static c => HclValue.From(Math.Abs(c.Takes(1).Number(0)));
        all["add"] = static c => HclValue.From(c.Takes(2).Number(0) + c.Number(1));
        all["subtract"] = static c => HclValue.From(c.Takes(2).Number(0) - c.Number(1));
        all["multiply"] = static c => HclValue.From(c.Takes(2).Number(0) * c.Number(1));
        all["divide"] = static c => HclValue.From(c.Takes(2).Number(0) / Divisor(c));
        all["modulo"] = static c => HclValue.From(c.Takes(2).Number(0) % Divisor(c));
        all["negate"] = static c => HclValue.From(-c.Takes(1).Number(0));
        all["ceil"] = static c => HclValue.From(decimal.Ceiling(c.Takes(1).Number(0)));
        all["floor"] = static c => HclValue.From(decimal.Floor(c.Takes(1).Number(0)));
        all["int"] = static c => HclValue.From(decimal.Truncate(c.Takes(1).Number(0)));
        all["signum"] = static c => HclValue.From((decimal)Math.Sign(c.Takes(1).Number(0)));
        all["max"] = static c => HclValue.From(Numbers(c).Max());
        all["min"] = static c => HclValue.From(Numbers(c).Min());
        all["log"] = static c => Real(c, Math.Log((double)c.Takes(2).Number(0)) / Math.Log((double)c.Number(1)));
        all["pow"] = Power;
        all["parseint"] = ParseInteger;
        all["range"] = Range;
    }

    private static decimal Divisor(HclCall call) => call.Number(1) is not 0 and decimal divisor ? divisor : throw call.Refuse("division by zero.");

    private static IEnumerable<decimal> Numbers(HclCall call)
    {
        call.Takes(1, int.MaxValue);
        return Enumerable.Range(0, call.Count).Select(call.Number);
    }

    private static HclValue Real(HclCall call, double number) => double.IsFinite(number) && Math.Abs(number) < 7e28
        ? HclValue.From(HclConversion.ParseNumber(number.ToString("R", CultureInfo.InvariantCulture)) ?? 0)
        : throw call.Refuse("the result is not a finite number.");

    private static HclValue Power(HclCall call)
    {
        decimal number = call.Takes(2).Number(0);
        decimal power = call.Number(1);
        if (power < 0 || power > 1000 || power != decimal.Truncate(power))
        {
            return Real(call, Math.Pow((double)number, (double)power));
        }

        decimal result = 1;
        for (int i = 0; i < (int)power; i++)
        {
            result *= number;
        }

        return HclValue.From(result);
    }

    private static HclValue ParseInteger(HclCall call)
    {
        string text = call.Takes(2).Text(0);
        int radix = call.Integer(1);
        if (radix is < 2 or > 62)
        {
            throw call.Refuse("the base must be from 2 to 62.");
        }

        bool isNegative = text.StartsWith('-');
        string digits = isNegative || text.StartsWith('+') ? text[1..] : text;
        BigInteger number = 0;
        if (digits.Length is 0 or > 100)
        {
            throw call.Refuse($"'{text}' is not a whole number of base {radix}.");
        }

        foreach (char c in digits)
        {
            int digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetterLower(c) ? c - 'a' + 10 : char.IsAsciiLetterUpper(c) ? c - 'A' + (radix <= 36 ? 10 : 36) : radix;
            number = digit < radix ? (number * radix) + digit : throw call.Refuse($"'{text}' is not a whole number of base {radix}.");
        }

        return HclValue.From((decimal)(isNegative ? -number : number));
    }

    private static HclValue Range(HclCall call)
    {
        call.Takes(1, 3);
        decimal start = call.Count == 1 ? 0 : call.Number(0);
        decimal end = call.Number(call.Count == 1 ? 0 : 1);
        decimal step = call.Count == 3 ? call.Number(2) : end < start ? -1 : 1;
        if (step == 0 || (step > 0 && end < start) || (step < 0 && end > start))
        {
            throw call.Refuse("its step does not lead from the start to the end.");
        }

        return call.Made(Between());

        IEnumerable<HclValue> Between()
        {
            int count = 0;
            for (decimal number = start; step > 0 ? number < end : number > end; number += step)
            {
                yield return ++count > 1024 ? throw call.Refuse("it creates more than 1,024 numbers.") : HclValue.From(number);
            }
        }
    }
}
