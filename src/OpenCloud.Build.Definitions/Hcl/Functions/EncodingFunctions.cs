using System.Globalization;
using System.Text;
using System.Text.Json;

namespace OpenCloud.Build.Definitions.Hcl.Functions;

internal static class EncodingFunctions
{
    public static void Add(Dictionary<string, HclFunction> all)
    {
        all["base64encode"] = static c => c.Made(Convert.ToBase64String(Encoding.UTF8.GetBytes(c.Takes(1).Text(0))));
        all["base64decode"] = static c => c.Made(Decode(c.Takes(1)));
        all["urlencode"] = static c => c.Made(Escape(c.Takes(1).Text(0)));
        all["jsonencode"] = static c => c.Made(Json(c, c.Takes(1).Values[0]));
        all["jsondecode"] = static c => FromJson(c, c.Takes(1).Text(0));
        all["csvdecode"] = static c => FromCsv(c, c.Takes(1).Text(0));
    }

    private static string Decode(HclCall call)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Convert.FromBase64String(call.Text(0)));
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            throw call.Refuse("the base64 is invalid.");
        }
    }

    // The encoding of HTML forms: a space is '+'.
    private static string Escape(string text)
    {
        StringBuilder escaped = new();
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            char c = (char)b;
            _ = char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~'
                ? escaped.Append(c)
                : c == ' ' ? escaped.Append('+') : escaped.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return escaped.ToString();
    }

    internal static string Json(HclCall call, HclValue value)
    {
        StringBuilder json = new();
        Write(value, 0);
        return json.ToString();

        void Write(HclValue item, int depth)
        {
            call.Scope.Budget.Step(call.Position);
            if (depth > HclBudget.MostDepth)
            {
                throw call.Refuse("the value is too deep.");
            }

            switch (item.Kind)
            {
                case HclKind.Null:
                    json.Append("null");
                    break;
                case HclKind.Bool or HclKind.Number:
                    json.Append(HclConversion.TryText(item));
                    break;
                case HclKind.Text:
                    call.Scope.Budget.Text(call.Position, item.Text.Length);
                    Quote(json, item.Text);
                    break;
                default:
                    json.Append(item.IsMapping ? '{' : '[');
                    bool isFirst = true;
                    foreach ((HclValue key, HclValue each) in item.Elements())
                    {
                        json.Append(isFirst ? "" : ",");
                        isFirst = false;
                        if (item.IsMapping)
                        {
                            Quote(json, key.Text);
                            json.Append(':');
                        }

                        Write(each, depth + 1);
                    }

                    json.Append(item.IsMapping ? '}' : ']');
                    break;
            }
        }
    }

    // As Go's encoding/json does: characters with a meaning in HTML are escaped, letters are not.
    private static void Quote(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (char c in text)
        {
            _ = c switch
            {
                '"' => json.Append("\\\""),
                '\\' => json.Append("\\\\"),
                '\n' => json.Append("\\n"),
                '\r' => json.Append("\\r"),
                '\t' => json.Append("\\t"),
                '\b' => json.Append("\\b"),
                '\f' => json.Append("\\f"),
                < ' ' or '<' or '>' or '&' or '\u2028' or '\u2029' => json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => json.Append(c),
            };
        }

        json.Append('"');
    }

    private static HclValue FromJson(HclCall call, string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 100 });
            return Read(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw call.Refuse("the JSON is invalid: " + exception.Message);
        }

        HclValue Read(JsonElement element)
        {
            call.Scope.Budget.Step(call.Position);
            return element.ValueKind switch
            {
                JsonValueKind.Object => HclValue.Object(element.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, Read(p.Value)))),
                JsonValueKind.Array => HclValue.Tuple(element.EnumerateArray().Select(Read)),
                JsonValueKind.String => HclValue.From(element.GetString()!),
                JsonValueKind.Number => HclValue.From(HclConversion.ParseNumber(element.GetRawText()) ?? throw call.Refuse("a number is too large.")),
                JsonValueKind.True => HclValue.True,
                JsonValueKind.False => HclValue.False,
                _ => HclValue.Null,
            };
        }
    }

    private static HclValue FromCsv(HclCall call, string text)
    {
        List<IReadOnlyList<string>> rows = CsvText.Rows(text) ?? throw call.Refuse("a quote is not closed or not allowed here.");
        if (rows.Count == 0)
        {
            throw call.Refuse("there is no line with the names of the columns.");
        }

        IReadOnlyList<string> names = rows[0];
        if (names.Distinct(StringComparer.Ordinal).Count() != names.Count)
        {
            throw call.Refuse("two columns have one name.");
        }

        return call.Made(rows.Skip(1).Select(r => r.Count == names.Count
            ? HclValue.Object(names.Zip(r, static (n, v) => KeyValuePair.Create(n, HclValue.From(v))))
            : throw call.Refuse($"a line has {r.Count} fields, and there are {names.Count} columns.")));
    }
}
