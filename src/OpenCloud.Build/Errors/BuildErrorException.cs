using System.Management.Automation;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Errors;

/// <summary>An error of this module: the exception of its error records.</summary>
public sealed class BuildErrorException : Exception, IContainsErrorRecord
{
    private const string ExcerptView = "OpenCloud.Build.ErrorWithExcerpt";

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

    private ErrorRecord ToRecord(Exception exception)
    {
        ErrorRecord record = new(exception, _entry.Id, _entry.Category, _target)
        {
            ErrorDetails = new ErrorDetails(Excerpt is null ? _summary : _summary + "\n" + Excerpt) { RecommendedAction = RecommendedAction },
        };

        if (Excerpt is not null)
        {
            // In a script PowerShell's own view joins the lines of a message into one paragraph; the module's view keeps them.
            PSObject.AsPSObject(record).TypeNames.Insert(0, ExcerptView);
        }

        return record;
    }
}
