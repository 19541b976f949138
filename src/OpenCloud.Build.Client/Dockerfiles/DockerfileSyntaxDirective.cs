using System.Text.Json;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Dockerfiles;

/// <summary>Parser directives: comments at the very top of a Dockerfile.</summary>
/// <remarks>Facts: moby/buildkit, frontend/dockerfile/parser/directives.go.</remarks>
internal static class DockerfileSyntaxDirective
{
    // Go's \s: only these blanks.
    private const string Blanks = "\t\n\f\r ";

    /// <summary>The known directives; any other comment ends them.</summary>
    private static readonly string[] Known = ["syntax", "escape", "check"];

    /// <summary>Parses a line as a directive after <paramref name="comment"/>, the comment marker.</summary>
    /// <returns>The name in lower case and the value; null when the line is no directive.</returns>
    public static (string Name, string Value)? TryRead(ReadOnlySpan<char> line, string comment)
    {
        if (!line.StartsWith(comment, StringComparison.Ordinal))
        {
            return null;
        }

        ReadOnlySpan<char> body = line[comment.Length..].Trim(Blanks);
        int equals = body.IndexOf('=');
        string name = equals < 0 ? string.Empty : body[..equals].TrimEnd(Blanks).ToString().ToLowerInvariant();
        ReadOnlySpan<char> value = equals < 0 ? [] : body[(equals + 1)..].TrimStart(Blanks);
        return Known.Contains(name) && !value.IsEmpty && !value.Contains('\n') ? (name, value.ToString()) : null;
    }

    /// <summary>
    /// Finds the frontend that a text requests: <c># syntax=</c>, also below a <c>#!</c> line, <c>// syntax=</c>, or a JSON object with a
    /// string "syntax".
    /// </summary>
    public static string? Detect(string text)
    {
        string body = text.TrimStart('\uFEFF');
        if (body.StartsWith("#!", StringComparison.Ordinal))
        {
            body = body.IndexOf('\n', StringComparison.Ordinal) is >= 0 and int end ? body[(end + 1)..] : "";
        }

        return FromComments(body, "#") ?? FromComments(body, "//") ?? FromJson(body);
    }

    /// <summary>Whether the image of a frontend is one of the Dockerfile frontends, whatever its version.</summary>
    public static bool IsDockerfile(string frontend)
    {
        if (!ImageReference.TryParse(frontend, out ImageReference? reference))
        {
            return true;
        }

        // A mirror changes the prefix and keeps the last component.
        string name = reference.Path[(reference.Path.LastIndexOf('/') + 1)..];
        return name is "dockerfile" or "dockerfile-upstream";
    }

    private static string? FromComments(string body, string comment)
    {
        foreach (string line in body.Split('\n'))
        {
            if (TryRead(line.EndsWith('\r') ? line[..^1] : line, comment) is not { } directive)
            {
                return null;
            }

            if (directive.Name == "syntax")
            {
                return directive.Value.Split(' ')[0];
            }
        }

        return null;
    }

    private static string? FromJson(string body)
    {
        if (!body.AsSpan().TrimStart().StartsWith("{"))
        {
            return null;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            return document.RootElement.TryGetProperty("syntax", out JsonElement syntax) && syntax.ValueKind == JsonValueKind.String ? syntax.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
