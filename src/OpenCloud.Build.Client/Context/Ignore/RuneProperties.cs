using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Client.Context.Ignore;

/// <summary>The sets that <c>\p{NAME}</c> stands for: general categories by their short and long names, scripts, and a few of Go's own.</summary>
/// <remarks>
/// Names as Go 1.25's regexp/syntax takes them: in any case, and without regard to spaces, hyphens and low lines. Unlike earlier versions, Go 1.25 knows
/// no script whose name has a low line; this class does. The categories are .NET's, the scripts Unicode's (tools/script-ranges).
/// </remarks>
internal static class RuneProperties
{
    private const string Resource = "OpenCloud.Build.Client.Context.Ignore.ScriptRanges.txt";

    // In the order of UnicodeCategory.
    private const string CategoryNames = "LuLlLtLmLoMnMcMeNdNlNoZsZlZpCcCfCsCoPcPdPsPePiPfPoSmScSkSoCn";

    // Unicode's PropertyValueAliases.txt, as the names are compared.
    private static readonly Dictionary<string, string> Aliases = new(StringComparer.Ordinal)
    {
        ["other"] = "c",
        ["control"] = "cc",
        ["cntrl"] = "cc",
        ["format"] = "cf",
        ["unassigned"] = "cn",
        ["privateuse"] = "co",
        ["surrogate"] = "cs",
        ["letter"] = "l",
        ["casedletter"] = "lc",
        ["lowercaseletter"] = "ll",
        ["modifierletter"] = "lm",
        ["otherletter"] = "lo",
        ["titlecaseletter"] = "lt",
        ["uppercaseletter"] = "lu",
        ["mark"] = "m",
        ["combiningmark"] = "m",
        ["spacingmark"] = "mc",
        ["enclosingmark"] = "me",
        ["nonspacingmark"] = "mn",
        ["number"] = "n",
        ["decimalnumber"] = "nd",
        ["digit"] = "nd",
        ["letternumber"] = "nl",
        ["othernumber"] = "no",
        ["punctuation"] = "p",
        ["punct"] = "p",
        ["connectorpunctuation"] = "pc",
        ["dashpunctuation"] = "pd",
        ["closepunctuation"] = "pe",
        ["finalpunctuation"] = "pf",
        ["initialpunctuation"] = "pi",
        ["otherpunctuation"] = "po",
        ["openpunctuation"] = "ps",
        ["symbol"] = "s",
        ["currencysymbol"] = "sc",
        ["modifiersymbol"] = "sk",
        ["mathsymbol"] = "sm",
        ["othersymbol"] = "so",
        ["separator"] = "z",
        ["lineseparator"] = "zl",
        ["paragraphseparator"] = "zp",
        ["spaceseparator"] = "zs",
    };

    private static readonly Lazy<Dictionary<string, int[]>> Scripts = new(ReadScripts);

    /// <summary>Adds the set of a name, or its complement; false when the name is unknown.</summary>
    public static bool Add(RuneSet set, ReadOnlySpan<int> name, bool negated)
    {
        string key = Canonical(name);
        switch (key)
        {
            case "any":
                RuneClasses.Add(set, [0, RuneClasses.LastRune], negated);
                return true;
            case "ascii":
                RuneClasses.Add(set, [0, 0x7F], negated);
                return true;
            case "assigned":
                set.AddCategories(negated ? Categories("cn") : Complement(Categories("cn")));
                return true;
            default:
                uint mask = Categories(Aliases.GetValueOrDefault(key, key));
                if (mask != 0)
                {
                    set.AddCategories(negated ? Complement(mask) : mask);
                    return true;
                }

                bool isScript = Scripts.Value.ContainsKey(key);
                if (isScript)
                {
                    RuneClasses.Add(set, Scripts.Value[key], negated);
                }

                return isScript;
        }
    }

    private static string Canonical(ReadOnlySpan<int> name)
    {
        StringBuilder key = new();
        foreach (int rune in name)
        {
            if (rune is not (' ' or '-' or '_'))
            {
                key.Append(rune < 0x80 ? char.ToLowerInvariant((char)rune) : '?');
            }
        }

        return key.ToString();
    }

    /// <summary>The general categories of a short name, as a mask with one bit for each; 0 when the name is unknown.</summary>
    private static uint Categories(string name)
    {
        if (name == "lc")
        {
            return Categories("lu") | Categories("ll") | Categories("lt");
        }

        uint mask = 0;
        for (int i = 0; i < CategoryNames.Length && name.Length is 1 or 2; i += 2)
        {
            bool isMeant = name[0] == char.ToLowerInvariant(CategoryNames[i]) && (name.Length == 1 || name[1] == CategoryNames[i + 1]);
            mask |= isMeant ? 1u << (i / 2) : 0;
        }

        return mask;
    }

    private static uint Complement(uint mask) => ~mask & ((1u << ((int)UnicodeCategory.OtherNotAssigned + 1)) - 1);

    private static Dictionary<string, int[]> ReadScripts()
    {
        using StreamReader reader = new(typeof(RuneProperties).Assembly.GetManifestResourceStream(Resource)!);
        Dictionary<string, int[]> scripts = new(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            if (line[0] == '#')
            {
                continue;
            }

            string[] words = line.Split(' ');
            int[] pairs = new int[(words.Length - 1) * 2];
            for (int i = 1; i < words.Length; i++)
            {
                string[] ends = words[i].Split('-');
                pairs[(i - 1) * 2] = Hex(ends[0]);
                pairs[((i - 1) * 2) + 1] = Hex(ends[^1]);
            }

            scripts.Add(Canonical([.. words[0].Select(static c => (int)c)]), pairs);
        }

        return scripts;
    }

    private static int Hex(string digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
