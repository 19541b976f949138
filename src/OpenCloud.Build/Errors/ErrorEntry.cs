using System.Globalization;
using System.Management.Automation;
using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Errors;

/// <summary>One error of the module, with all of its texts.</summary>
/// <param name="Id">The stable id for scripts; never changed and never reused.</param>
/// <param name="Category">PowerShell's category.</param>
/// <param name="Message">What happened and why, as a composite format string.</param>
/// <param name="Action">What to do about it, as a composite format string over the same arguments.</param>
internal sealed record ErrorEntry(string Id, ErrorCategory Category, string Message, string Action)
{
    /// <summary>Creates the error record. The arguments must not contain secrets; a target that is an address loses them here.</summary>
    public ErrorRecord ToRecord(object? target, Exception? cause, params object[] arguments) =>
        ToException(target, cause, arguments).ToRecord();

    /// <summary>Creates an exception that carries the entry to where a record can be written.</summary>
    public BuildErrorException ToException(object? target, Exception? cause, params object[] arguments) =>
        ToException(target, cause, excerpt: null, arguments);

    /// <summary>Creates an exception whose message ends with an excerpt.</summary>
    public BuildErrorException ToException(object? target, Exception? cause, string? excerpt, object[] arguments) =>
        new(this, target is string text ? ContextLocation.WithoutSecrets(text) : target, string.Format(CultureInfo.InvariantCulture, Message, arguments), WithoutTail(string.Format(CultureInfo.InvariantCulture, Action, arguments)), excerpt, cause);

    // A command at the end of the action may be copied whole: a full stop would become an argument.
    private static string WithoutTail(string action) => action.Contains("sudo ", StringComparison.Ordinal) ? action.TrimEnd('.') : action;
}
