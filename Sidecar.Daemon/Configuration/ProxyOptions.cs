using Sidecar.Daemon.Configuration.Settings;
using BodySendMode = Sidecar.Protocol.Envoy.ProcessingMode.Types.BodySendMode;
using Keys = Sidecar.Daemon.Configuration.Settings.EnvoySettings;

namespace Sidecar.Daemon.Configuration;

/// <summary>What an operator says about a spop listener besides what all listeners have.</summary>
internal sealed record SpopOptions : SettingOptions
{
    /// <summary>Whether HAProxy is configured to ask about responses too.</summary>
    public bool HasResponsePhase => Get(ListenerSettings.ResponsePhase);

    /// <summary>How header changes are told.</summary>
    public HeaderForm HeaderForm => Get(ListenerSettings.HeaderForm);

    /// <summary>HAProxy's <c>option var-prefix</c>.</summary>
    public string VariablePrefix => Get(ListenerSettings.VariablePrefix)!;

    /// <summary>The largest frame to agree to, in bytes.</summary>
    public int MaxFrameSize => (int)Get(ListenerSettings.MaxFrame);
}

/// <summary>How header changes are told to HAProxy.</summary>
internal enum HeaderForm
{
    /// <summary>As packed lists of any number of headers, which the ready Lua actions apply, or HAProxy 3.4 by itself.</summary>
    Lists,

    /// <summary>As one variable for each header that the listener names, for a configuration without Lua.</summary>
    Names,
}

/// <summary>How the filters are configured that ask at an envoy listener, as far as they do not tell it themselves. Immutable.</summary>
internal record EnvoyOptions : SettingOptions
{
    /// <summary>
    /// ext_proc: whether the filter has <c>allow_mode_override</c>, with every mode we may ask for in <c>allowed_override_modes</c> if it
    /// has that list.
    /// </summary>
    public bool AllowsModeOverride { get => Get(Keys.AllowModeOverride); init => Values = Values.With(Keys.AllowModeOverride, value); }

    /// <summary>
    /// ext_proc: the filter's <c>max_message_timeout</c>: how much longer one answer may take when we ask for it; zero when it sets none.
    /// </summary>
    public TimeSpan MaxMessageTimeout
    {
        get => Values.Find(Keys.MaxMessageTimeout) ?? TimeSpan.Zero;
        init => Values = Values.With(Keys.MaxMessageTimeout, value);
    }

    /// <summary>ext_proc: the mode to ask for where an agent decides about a whole body: buffered or buffered partial.</summary>
    public BodySendMode WholeBodies { get => Get(Keys.WholeBodies); init => Values = Values.With(Keys.WholeBodies, value); }

    /// <summary>ext_proc: Envoy's <c>per_connection_buffer_limit_bytes</c>; null when not known.</summary>
    public long? BufferLimit { get => Values.Find(Keys.BufferLimit); init => Values = Values.With(Keys.BufferLimit, value); }

    /// <summary>ext_proc: header fields with which Envoy takes a message (<c>max_headers_count</c>), pseudo headers counted.</summary>
    public int MaxEnvoyHeaders { get => Get(Keys.MaxHeaders); init => Values = Values.With(Keys.MaxHeaders, value); }

    /// <summary>Whether a filter has <c>failure_mode_allow</c>.</summary>
    public bool FailsOpen { get => Get(Keys.FailureModeAllow); init => Values = Values.With(Keys.FailureModeAllow, value); }

    /// <summary>
    /// The part of a filter's time that agents may use. A refusal that comes after a filter that fails open has given up lets the request
    /// pass, so more is left there.
    /// </summary>
    public double UsableTime => FailsOpen ? Defaults.UsableTimeFailingOpen : Defaults.UsableTime;

    /// <summary>ext_proc: the filter's <c>request_body_mode</c>, for releases that do not tell; null when not known.</summary>
    public BodySendMode? RequestBodyMode
    {
        get => Values.Find(Keys.RequestBodyMode);
        init => Values = Values.With(Keys.RequestBodyMode, value);
    }

    /// <summary>ext_proc: the filter's <c>response_body_mode</c>, likewise.</summary>
    public BodySendMode? ResponseBodyMode
    {
        get => Values.Find(Keys.ResponseBodyMode);
        init => Values = Values.With(Keys.ResponseBodyMode, value);
    }

    /// <summary>
    /// ext_authz: what the filter's <c>with_request_body</c> does. Without it a body passes unseen, and Envoy gives no sign of one but a
    /// length: it takes <c>Transfer-Encoding</c> away before its filters.
    /// </summary>
    public RequestBodies WithRequestBody { get => Get(Keys.WithRequestBody); init => Values = Values.With(Keys.WithRequestBody, value); }

    /// <summary>ext_authz: whether a body passes as text in which Envoy may have put something else for bytes that are no text.</summary>
    public bool AllowsTextForm { get => Get(Keys.TextForm); init => Values = Values.With(Keys.TextForm, value); }

    /// <summary>Longest message that is taken, in bytes.</summary>
    public int MaxMessageBytes { get => (int)Get(Keys.MaxMessage); init => Values = Values.With(Keys.MaxMessage, (long)value); }
}
