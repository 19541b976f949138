using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Context;

/// <summary>Why a build context could not be sent.</summary>
internal enum ContextErrorKind
{
    /// <summary>The daemon asked for a directory that was not declared.</summary>
    NotDeclared,

    /// <summary>A file or directory could not be read.</summary>
    Unreadable,

    /// <summary>A file changed after it was listed.</summary>
    Changed,

    /// <summary>An include, exclude or ignore pattern is malformed.</summary>
    BadPattern,

    /// <summary>The daemon broke the rules of the transfer.</summary>
    Protocol,

    /// <summary>The daemon reported an error of its own.</summary>
    Receiver,
}

/// <summary>A build context, or a part of it, could not be sent.</summary>
internal sealed class ContextException : Exception
{
    /// <summary>Creates an exception with a message for the user.</summary>
    public ContextException(ContextErrorKind kind, string message, Exception? inner = null)
        : base(message, inner) => Kind = kind;

    /// <summary>Why the context could not be sent.</summary>
    public ContextErrorKind Kind { get; }

    /// <summary>The line of the ignore file with the invalid rule, counted from 1; null for other errors.</summary>
    public int? Line { get; init; }

    internal static ContextException BadPattern(ReadOnlySpan<byte> pattern) => new(
        ContextErrorKind.BadPattern,
        $"The pattern '{Utf8.Display(pattern)}' is invalid: a '[', a range or a '\\' in it is incomplete or invalid.");

    internal static ContextException Changed(string path, string how) => new(
        ContextErrorKind.Changed,
        $"'{path}' of the build context changed while it was sent: {how}.");

    internal static ContextException LargePattern(ReadOnlySpan<byte> pattern, PatternSizeException cause) => new(
        ContextErrorKind.BadPattern, $"The pattern '{Utf8.Display(pattern)}' is too large: {cause.Message}.", cause);

    internal static ContextException Unreadable(string action, string path, string reason) => new(
        ContextErrorKind.Unreadable,
        $"Cannot {action} '{path}' of the build context: {reason}.");
}
