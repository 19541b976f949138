using System.Globalization;
using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>One error a user can meet: everything that is said about it, in one place.</summary>
/// <param name="Id">The stable id scripts can tell it by; never changed and never used again for something else.</param>
/// <param name="Category">PowerShell's category.</param>
/// <param name="Message">What happened and why; a composite format string.</param>
/// <param name="Action">What to do about it; a composite format string over the same arguments.</param>
internal sealed record ErrorEntry(string Id, ErrorCategory Category, string Message, string Action)
{
    /// <summary>Makes the error record.</summary>
    /// <param name="target">What the error is about; never a secret.</param>
    /// <param name="cause">The exception behind it; kept as the inner exception.</param>
    /// <param name="arguments">What the message and the action are filled with; never a secret.</param>
    public ErrorRecord ToRecord(object? target, Exception? cause, params object[] arguments) =>
        ToException(target, cause, arguments).ToRecord();

    /// <summary>Makes an exception that carries the entry to where a record can be written.</summary>
    public BuildErrorException ToException(object? target, Exception? cause, params object[] arguments) =>
        ToException(target, cause, excerpt: null, arguments);

    /// <summary>Makes an exception that shows lines to look at beneath what to do.</summary>
    public BuildErrorException ToException(object? target, Exception? cause, string? excerpt, object[] arguments) =>
        new(this, target, string.Format(CultureInfo.InvariantCulture, Message, arguments), WithoutTail(string.Format(CultureInfo.InvariantCulture, Action, arguments)), excerpt, cause);

    // A command at the end of what to do is copied to its end: a full stop there would become an argument.
    private static string WithoutTail(string action) => action.Contains("sudo ", StringComparison.Ordinal) ? action.TrimEnd('.') : action;
}
