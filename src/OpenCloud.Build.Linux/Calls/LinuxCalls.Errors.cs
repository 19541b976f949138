namespace OpenCloud.Build.Linux;

/// <summary>Error numbers (errno-base.h and errno.h, the generic ones, which every architecture of .NET's Linux has).</summary>
internal static unsafe partial class LinuxCalls
{
    public const int NotPermitted = 1;
    public const int NoEntry = 2;
    public const int Interrupted = 4;
    public const int BadDescriptor = 9;
    public const int TryAgain = 11;
    public const int AccessDenied = 13;
    public const int Exists = 17;
    public const int CrossDevice = 18;
    public const int NoSuchDevice = 19;
    public const int NotADirectory = 20;
    public const int IsADirectory = 21;
    public const int InvalidArgument = 22;
    public const int NoSuchDeviceOrAddress = 6;
    public const int RangeError = 34;
    public const int NameTooLong = 36;
    public const int NoSystemCall = 38;
    public const int NotEmpty = 39;
    public const int TooManyLinks = 40;
    public const int NoData = 61;
    public const int NotSupported = 95;
    public const int FamilyNotSupported = 97;
    public const int AddressNotAvailable = 99;
    public const int NetworkUnreachable = 101;
    public const int ConnectionReset = 104;
    public const int TimedOut = 110;
    public const int ConnectionRefused = 111;
    public const int HostUnreachable = 113;
    public const int InProgress = 115;
    public const int StaleHandle = 116;

    /// <summary>An exception for an error number, with a clause as message that the caller puts into its own sentence.</summary>
    public static Exception Clause(int error) => error switch
    {
        NoEntry => new FileNotFoundException("it does not exist"),
        AccessDenied or NotPermitted => new UnauthorizedAccessException("permission denied"),
        _ => new IOException(LowerFirst(Describe(error)), error),
    };

    /// <summary>The .NET exception for an error number, which is in the lower half of its HResult as .NET has it.</summary>
    /// <remarks>The action is the beginning of a sentence, such as "Cannot open".</remarks>
    public static Exception Failure(string action, string target, int error)
    {
        string message = $"{action} '{target}': {Describe(error)}.";
        return error switch
        {
            AccessDenied or NotPermitted => new UnauthorizedAccessException(message),
            NoEntry or NotADirectory => new FileNotFoundException(message, target),
            _ => new IOException(message, error),
        };
    }

    private static string LowerFirst(string text) => text.Length > 1 && char.IsLower(text[1]) ? char.ToLowerInvariant(text[0]) + text[1..] : text;
}
