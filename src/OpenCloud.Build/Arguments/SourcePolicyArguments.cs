using System.Collections;
using System.Management.Automation;
using System.Text;
using System.Text.Json;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Arguments;

/// <summary>Parses a user's source policy: a file, a whole policy, or its rules as hashtables or objects.</summary>
internal static class SourcePolicyArguments
{
    private const int MaxSize = 16 * 1024 * 1024;

    /// <summary>Reads the policy; null when none is given.</summary>
    /// <exception cref="BuildErrorException">The file cannot be read, or the policy is invalid.</exception>
    public static SourcePolicy? Read(PSCmdlet cmdlet, object? value, CancellationToken cancellationToken)
    {
        try
        {
            return ToJson(cmdlet, value, cancellationToken) is { } json ? SourcePolicy.Parse(json) : null;
        }
        catch (FormatException exception)
        {
            throw ErrorCatalog.InvalidOption.ToException(null, exception, "SourcePolicy", "the policy", exception.Message);
        }
    }

    private static string? ToJson(PSCmdlet cmdlet, object? value, CancellationToken cancellationToken)
    {
        object? policy = value is PSObject wrapped && wrapped.BaseObject is not PSCustomObject ? wrapped.BaseObject : value;
        switch (policy)
        {
            case null or "":
                return null;
            case FileInfo file:
                return ReadFile(file.FullName, cancellationToken);
            case string path:
                return ReadFile(DirectoryArguments.ResolveLiteral(cmdlet, path), cancellationToken);
        }

        object? plain = Plain(policy);
        bool isWhole = plain is Dictionary<string, object?> all && all.Keys.Any(static k => k.Equals("rules", StringComparison.OrdinalIgnoreCase));
        return JsonSerializer.Serialize(isWhole ? plain : new Dictionary<string, object?> { ["rules"] = plain is List<object?> ? plain : new List<object?> { plain } });
    }

    private static string ReadFile(string path, CancellationToken cancellationToken)
    {
        try
        {
            return Encoding.UTF8.GetString(InputFile.ReadNamed(path, MaxSize, cancellationToken).Bytes).TrimStart('\uFEFF');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ErrorCatalog.PathNotReadable.ToException(path, exception, path, exception.Message + ".");
        }
    }

    private static object? Plain(object? value) => value switch
    {
        PSObject { BaseObject: PSCustomObject } custom => custom.Properties.ToDictionary(static p => p.Name, static p => Plain(p.Value)),
        PSObject wrapped => Plain(wrapped.BaseObject),
        IDictionary dictionary => dictionary.Cast<DictionaryEntry>().ToDictionary(static e => e.Key.ToString()!, static e => Plain(e.Value)),
        string or bool or int or long => value,
        IEnumerable list => list.Cast<object?>().Select(Plain).ToList(),
        _ => value?.ToString(),
    };
}
