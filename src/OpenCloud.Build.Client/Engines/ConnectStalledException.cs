namespace OpenCloud.Build.Client.Engines;

/// <summary>An attempt that was cancelled, with what the peer had not done until then: a clause for the sentence about the timeout.</summary>
internal sealed class ConnectStalledException(string what, OperationCanceledException inner)
    : OperationCanceledException(inner.Message, inner, inner.CancellationToken)
{
    private const string Unknown = "did not answer";

    /// <summary>The clause for any cancelled attempt.</summary>
    public static string WhatOf(OperationCanceledException error) => error is ConnectStalledException stalled ? stalled.What : Unknown;

    public string What { get; } = what;
}
