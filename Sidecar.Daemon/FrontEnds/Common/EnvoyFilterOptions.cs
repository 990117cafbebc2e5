using System.Diagnostics.CodeAnalysis;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>
/// What the operator says of the filters of a listener, and what it bears; the first message of a stream tells only a part of it.
/// Immutable.
/// </summary>
internal sealed record EnvoyFilterOptions : EnvoyOptions
{
    /// <summary>The defaults.</summary>
    public EnvoyFilterOptions()
    {
    }

    /// <summary>A listener's.</summary>
    [SetsRequiredMembers]
    public EnvoyFilterOptions(ListenerOptions listener)
        : base(listener.Envoy) => (Name, Budget) = (listener.Name, listener.Budget);

    /// <summary>The listener's name, a label value.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// Time for the answer to one message, where the filter names none. The default is Envoy's <c>message_timeout</c> of 200 ms less 20 %.
    /// </summary>
    public TimeSpan Budget { get; init; } = ListenerSettings.Budget.DefaultFor("envoy");

    /// <summary>Header fields of a message that are inspected; a request with more is refused.</summary>
    public int MaxHeaders { get; init; } = Defaults.MaxHeaders;

    /// <summary>Bytes of names and values of a message's headers that are inspected; a request with more is refused.</summary>
    public int MaxHeaderBytes { get; init; } = Defaults.MaxHeaderBytes;
}
