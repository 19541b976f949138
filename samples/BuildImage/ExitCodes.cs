namespace BuildImage;

/// <summary>How the program ends.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;

    /// <summary>As a shell reports SIGINT.</summary>
    public const int Cancelled = 130;
}
