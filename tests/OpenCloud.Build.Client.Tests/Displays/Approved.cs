using Xunit;

namespace OpenCloud.Build.Client.Tests.Displays;

/// <summary>Texts that a person has looked at. What differs is written beside the tests' own temporary files, to be compared and taken.</summary>
internal static class Approved
{
    public static void Check(string name, string text)
    {
        using Stream? stream = typeof(Approved).Assembly.GetManifestResourceStream(name);
        using StreamReader? reader = stream is null ? null : new StreamReader(stream);
        string approved = reader?.ReadToEnd() ?? string.Empty;
        if (approved != text)
        {
            string received = Path.Join(Path.GetTempPath(), $"received-{name}");
            File.WriteAllText(received, text);
            Assert.Fail($"{name} differs from {received}");
        }
    }
}
