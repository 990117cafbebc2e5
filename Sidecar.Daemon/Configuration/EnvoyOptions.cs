namespace Sidecar.Daemon.Configuration;

/// <summary>How the filters are configured that ask at an envoy listener, as far as they do not tell it themselves. Immutable.</summary>
internal sealed record EnvoyOptions
{
    /// <summary>ext_proc: the filter's <c>allow_mode_override</c>.</summary>
    public bool AllowsModeOverride { get; init; }

    /// <summary>ext_proc: the filter's <c>max_message_timeout</c>; zero when it sets none.</summary>
    public TimeSpan MaxMessageTimeout { get; init; }

    /// <summary>ext_proc: the mode to ask for where an agent decides about a whole body.</summary>
    public EnvoyBodyMode WholeBodies { get; init; } = EnvoyBodyMode.Buffered;

    /// <summary>ext_proc: the filter's <c>request_body_mode</c>, for releases that do not tell; null when not known.</summary>
    public EnvoyBodyMode? RequestBodyMode { get; init; }

    /// <summary>ext_proc: the filter's <c>response_body_mode</c>, likewise.</summary>
    public EnvoyBodyMode? ResponseBodyMode { get; init; }

    /// <summary>ext_authz: whether the filter has <c>with_request_body</c>.</summary>
    public bool WithRequestBody { get; init; } = true;

    /// <summary>Longest message that is taken, in bytes.</summary>
    public int MaxMessageBytes { get; init; } = Defaults.MaxEnvoyMessage;
}

/// <summary>How Envoy sends a body; the numbers are those of its <c>BodySendMode</c>.</summary>
internal enum EnvoyBodyMode
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>Piece by piece.</summary>
    Streamed = 1,

    /// <summary>The whole in one message.</summary>
    Buffered = 2,

    /// <summary>The whole or its beginning in one message.</summary>
    BufferedPartial = 3,

    /// <summary>Piece by piece, answered in our own rhythm.</summary>
    FullDuplexStreamed = 4,
}
