using Sidecar.Daemon.Configuration;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>What the operator says of an ext_proc filter; the first message of a stream tells only a part of it. Immutable.</summary>
internal sealed record ExtProcOptions
{
    /// <summary>The listener's name, a label value.</summary>
    public required string Name { get; init; }

    /// <summary>Time for the answer to one message. The default is Envoy's <c>message_timeout</c> of 200 ms less 20 %.</summary>
    public TimeSpan Budget { get; init; } = TimeSpan.FromMilliseconds(160);

    /// <summary>The filter's <c>max_message_timeout</c>: how much longer one answer may take when we ask for it; zero when the filter sets none.</summary>
    public TimeSpan MaxMessageTimeout { get; init; } = TimeSpan.Zero;

    /// <summary>Whether the filter has <c>allow_mode_override</c>, with every mode we may ask for in <c>allowed_override_modes</c> if it has that list.</summary>
    public bool AllowsModeOverride { get; init; }

    /// <summary>The mode to ask for where an agent decides about a whole body: buffered, buffered partial, or full duplex.</summary>
    public BodySendMode WholeBodies { get; init; } = BodySendMode.Buffered;

    /// <summary>The filter's <c>request_body_mode</c>, for releases that do not tell it in <c>protocol_config</c>; null when it is not known.</summary>
    public BodySendMode? RequestBodyMode { get; init; }

    /// <summary>The filter's <c>response_body_mode</c>, likewise.</summary>
    public BodySendMode? ResponseBodyMode { get; init; }

    /// <summary>Header fields of a message that are inspected; a request with more is refused.</summary>
    public int MaxHeaders { get; init; } = Defaults.MaxHeaders;

    /// <summary>Bytes of names and values of a message's headers that are inspected; a request with more is refused.</summary>
    public int MaxHeaderBytes { get; init; } = Defaults.MaxHeaderBytes;
}
