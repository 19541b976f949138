using System.Management.Automation;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Errors;

/// <summary>An error of this module: the exception of its error records.</summary>
public sealed class BuildErrorException : Exception, IContainsErrorRecord
{
    private readonly ErrorEntry _entry;
    private readonly object? _target;
    private readonly string _summary;

    internal BuildErrorException(ErrorEntry entry, object? target, string summary, string action, string? excerpt, Exception? cause)
        : base(TerminalText.Plain(excerpt is null ? summary : summary + "\n" + excerpt), TerminalText.Plain(cause))
    {
        _entry = entry;
        _target = target;
        _summary = TerminalText.Plain(summary);
        Excerpt = excerpt is null ? null : TerminalText.Plain(excerpt);
        RecommendedAction = TerminalText.Plain(action);
    }

    /// <summary>The stable id of the error; docs/errors.md lists them.</summary>
    public string ErrorId => _entry.Id;

    /// <summary>What to do about it.</summary>
    public string RecommendedAction { get; }

    /// <summary>The relevant lines of a Dockerfile or a log, which <see cref="Exception.Message"/> also ends with; null when there are none.</summary>
    public string? Excerpt { get; }

    /// <summary>The record that PowerShell uses when the exception is thrown instead of written.</summary>
    // Its exception must not be this one: walking the error would never end.
    ErrorRecord IContainsErrorRecord.ErrorRecord => ToRecord(new ParentContainsErrorRecordException(this));

    /// <summary>Creates the record that a cmdlet writes.</summary>
    internal ErrorRecord ToRecord() => ToRecord(this);

    private ErrorRecord ToRecord(Exception exception) => new(exception, _entry.Id, _entry.Category, _target)
    {
        // In a script PowerShell joins the lines of a message into one paragraph; only the action keeps its line ends.
        ErrorDetails = new ErrorDetails(_summary) { RecommendedAction = Excerpt is null ? RecommendedAction : RecommendedAction + "\n\n" + Excerpt },
    };
}
