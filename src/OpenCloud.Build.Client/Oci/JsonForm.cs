using System.Text.Encodings.Web;
using System.Text.Json;

namespace OpenCloud.Build.Client.Oci;

/// <summary>
/// How JSON is written into files that other tools and people read: the "+" of a media type as itself, not as the escape that
/// the default encoder makes of it for the sake of web pages.
/// </summary>
internal static class JsonForm
{
    private static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>On one line, of a node.</summary>
    public static readonly JsonSerializerOptions Compact = new() { Encoder = Encoder };

    /// <summary>For reading, of a node.</summary>
    public static readonly JsonSerializerOptions Indented = new() { Encoder = Encoder, WriteIndented = true };

    /// <summary>On one line, by a writer.</summary>
    public static readonly JsonWriterOptions Writer = new() { Encoder = Encoder };
}
