using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Definitions.Hcl.Functions;

internal static class TextFunctions
{
    public static void Add(Dictionary<string, HclFunction> all)
    {
        all["lower"] = static c => c.Made(c.Takes(1).Text(0).ToLowerInvariant());
        all["upper"] = static c => c.Made(c.Takes(1).Text(0).ToUpperInvariant());
        all["title"] = static c => c.Made(Title(c.Takes(1).Text(0)));
        all["chomp"] = static c => c.Made(c.Takes(1).Text(0).TrimEnd('\r', '\n'));
        all["indent"] = static c => c.Made(Replaced(c, c.Takes(2).Text(1), "\n", "\n" + Blanks(c)));
        all["trim"] = static c => c.Made(c.Takes(2).Text(0).Trim(c.Text(1).ToCharArray()));
        all["trimprefix"] = static c => c.Made(c.Takes(2).Text(0).StartsWith(c.Text(1), StringComparison.Ordinal) ? c.Text(0)[c.Text(1).Length..] : c.Text(0));
        all["trimsuffix"] = static c => c.Made(c.Takes(2).Text(0).EndsWith(c.Text(1), StringComparison.Ordinal) ? c.Text(0)[..^c.Text(1).Length] : c.Text(0));
        all["trimspace"] = static c => c.Made(c.Takes(1).Text(0).Trim());
        all["strlen"] = static c => HclValue.From((decimal)new StringInfo(c.Takes(1).Text(0)).LengthInTextElements);
        all["substr"] = Substring;
        all["byteslen"] = static c => HclValue.From((decimal)Encoding.UTF8.GetByteCount(c.Takes(1).Text(0)));
        all["bytesslice"] = BytesSlice;
        all["reverse"] = static c => c.Made(string.Concat(Elements(c.Takes(1).Text(0)).Reverse()));
        all["join"] = Join;
        all["split"] = Split;
        all["replace"] = static c => c.Made(Replaced(c.Takes(3)));
        all["basename"] = static c => c.Made(Base(c.Takes(1).Text(0)));
        all["dirname"] = static c => c.Made(Directory(c.Takes(1).Text(0)));
        all["sanitize"] = static c => c.Made(string.Concat(c.Takes(1).Text(0).EnumerateRunes().Select(static r => r.IsAscii && (Rune.IsLetterOrDigit(r) || r.Value is '_' or '-') ? (char)r.Value : '_')));
        all["homedir"] = static c => c.Takes(0).Made(Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home ? home : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));
    }

    private static IEnumerable<string> Elements(string text)
    {
        TextElementEnumerator elements = StringInfo.GetTextElementEnumerator(text);
        while (elements.MoveNext())
        {
            yield return elements.GetTextElement();
        }
    }

    private static IEnumerable<string> Runes(string text) => text.EnumerateRunes().Select(static r => r.ToString());

    private static string Blanks(HclCall call) => call.Integer(0) is >= 0 and <= 1000 and int count ? new string(' ', count) : throw call.Refuse("the indentation must be from 0 to 1000.");

    private static string Title(string text)
    {
        StringBuilder title = new(text.Length);
        bool isInWord = false;
        foreach (char c in text)
        {
            bool isLetter = char.IsLetterOrDigit(c) || c is '_' or '\'';
            title.Append(isLetter && !isInWord ? char.ToUpperInvariant(c) : c);
            isInWord = isLetter;
        }

        return title.ToString();
    }

    private static string Replaced(HclCall call)
    {
        (string text, string old, string fresh) = (call.Text(0), call.Text(1), call.Text(2));
        if (old.Length > 0)
        {
            return Replaced(call, text, old, fresh);
        }

        // An empty string matches before, between and after all characters.
        call.Scope.Budget.Text(call.Position, (text.Length + 1L) * fresh.Length);
        return string.Join(fresh, [string.Empty, .. Runes(text), string.Empty]);
    }

    private static string Replaced(HclCall call, string text, string old, string fresh)
    {
        long count = 0;
        for (int at = text.IndexOf(old, StringComparison.Ordinal); at >= 0; at = text.IndexOf(old, at + old.Length, StringComparison.Ordinal))
        {
            count++;
        }

        // Counts the characters before it creates them.
        call.Scope.Budget.Text(call.Position, count * fresh.Length);
        return text.Replace(old, fresh, StringComparison.Ordinal);
    }

    // As bake's documentation shows it. buildx 0.36 itself knows no value that it takes: it wants go-cty's type of bytes, which no function makes.
    private static HclValue BytesSlice(HclCall call)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(call.Takes(3).Text(0));
        int offset = call.Integer(1);
        int length = call.Integer(2);
        if (offset < 0 || length < 0 || offset > bytes.Length - length)
        {
            throw call.Refuse($"offset {offset} and length {length} are not within {bytes.Length} bytes.");
        }

        try
        {
            return call.Made(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes, offset, length));
        }
        catch (DecoderFallbackException)
        {
            throw call.Refuse("the part begins or ends within a character.");
        }
    }

    private static HclValue Substring(HclCall call)
    {
        string[] elements = [.. Elements(call.Takes(3).Text(0))];
        int offset = call.Integer(1);
        int length = call.Integer(2);
        offset = offset < 0 ? offset + elements.Length : offset;
        return offset < 0 || length == 0
            ? HclValue.Empty
            : call.Made(string.Concat(elements.Skip(offset).Take(length < 0 ? int.MaxValue : length)));
    }

    private static HclValue Join(HclCall call)
    {
        call.Takes(2, int.MaxValue);
        string between = call.Text(0);
        IReadOnlyList<string> texts = [.. Enumerable.Range(1, call.Count - 1).SelectMany(call.Texts)];
        call.Scope.Budget.Text(call.Position, texts.Sum(t => (long)t.Length + between.Length));
        return HclValue.From(string.Join(between, texts));
    }

    private static HclValue Split(HclCall call)
    {
        string between = call.Takes(2).Text(0);
        string text = call.Text(1);
        return call.Made((between.Length == 0 ? Runes(text) : text.Split(between)).Select(HclValue.From));
    }

    // The rules of Go's path.Base and path.Dir: only '/' separates, and the result is cleaned.
    private static string Base(string path)
    {
        string trimmed = path.TrimEnd('/');
        return path.Length == 0 ? "." : trimmed.Length == 0 ? "/" : trimmed[(trimmed.LastIndexOf('/') + 1)..];
    }

    private static string Directory(string path)
    {
        int slash = path.LastIndexOf('/');
        List<string> parts = [];
        bool isRooted = path.StartsWith('/');
        foreach (string part in (slash < 0 ? string.Empty : path[..slash]).Split('/').Where(static p => p is not ("" or ".")))
        {
            if (part != "..")
            {
                parts.Add(part);
            }
            else if (parts.Count > 0 && parts[^1] != "..")
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else if (!isRooted)
            {
                parts.Add(part);
            }
        }

        string joined = string.Join('/', parts);
        return isRooted ? "/" + joined : joined.Length == 0 ? "." : joined;
    }
}
