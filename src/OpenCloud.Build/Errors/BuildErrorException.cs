using System.Management.Automation;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Errors;

/// <summary>An error of this module: the exception of its error records.</summary>
public sealed class BuildErrorException : Exception, IContainsErrorRecord
{
    private readonly ErrorEntry _entry;
    private readonly object? _target;
    private readonly string _summary;

    /// <param name="entry">The entry of the catalogue.</param>
    /// <param name="target">What the error is about.</param>
    /// <param name="summary">What happened and why.</param>
    /// <param name="action">What to do about it.</param>
    /// <param name="excerpt">Lines to look at, of a Dockerfile or a log; null when there are none.</param>
    /// <param name="cause">The exception behind it.</param>
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

    /// <summary>Lines to look at, of a Dockerfile or a log; they end <see cref="Exception.Message"/>, too. Null when there are none.</summary>
    public string? Excerpt { get; }

    /// <summary>What PowerShell makes its record from when the exception is thrown instead of written.</summary>
    // The exception in it must not be this one: whoever walks an error would never come to an end.
    ErrorRecord IContainsErrorRecord.ErrorRecord => ToRecord(new ParentContainsErrorRecordException(this));

    /// <summary>Makes the record that a cmdlet writes.</summary>
    internal ErrorRecord ToRecord() => ToRecord(this);

    private ErrorRecord ToRecord(Exception exception) => new(exception, _entry.Id, _entry.Category, _target)
    {
        // In a script PowerShell shows a message as one paragraph, its line ends gone; only the action keeps them.
        ErrorDetails = new ErrorDetails(_summary) { RecommendedAction = Excerpt is null ? RecommendedAction : RecommendedAction + "\n\n" + Excerpt },
    };
}
