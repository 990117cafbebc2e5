using Microsoft.Extensions.Logging;
using Sidecar.Daemon.FrontEnds.Common;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.ExtProc;

/// <summary>
/// The ext_proc filters that ask at a listener: what the operator says of them, and what was learnt from what they sent. Safe from any
/// thread.
/// </summary>
/// <remarks>
/// Envoy never says whether it did what it was asked for: a <c>mode_override</c> that the filter does not allow, or that its
/// <c>allowed_override_modes</c> lack, is ignored in silence, and the body passes. So it is told by what comes. Once something was asked
/// for in vain the listener asks no more: agents then follow their excess action at the headers, before anything has passed.
/// </remarks>
/// <param name="options">What the operator says.</param>
/// <param name="warnings">Takes what is wrong with the filter.</param>
/// <param name="time">The clock of the log's pace.</param>
/// <param name="logger">Takes the same.</param>
internal sealed class ExtProcFilter(EnvoyFilterOptions options, ListenerWarnings warnings, TimeProvider time, ILogger logger)
{
    // A client that leaves early looks the same once, a filter always.
    private const int Suspicious = 3;

    private readonly LogThrottle _throttle = new(time);
    private volatile bool _isHeard;
    private volatile bool _isDeaf;
    private volatile bool _hasResponses;
    private int _unheard;
    private int _unanswered;

    /// <summary>What the operator says.</summary>
    public EnvoyFilterOptions Options => options;

    /// <summary>Where an operator is told.</summary>
    public ILogger Logger => logger;

    /// <summary>Whether modes can be asked for.</summary>
    public bool TakesOverrides => options.AllowsModeOverride && !_isDeaf;

    /// <summary>Whether a body has ever come because it was asked for.</summary>
    public bool IsHeard => _isHeard;

    /// <summary>A body came that the filter would not have sent unasked.</summary>
    public void NoteHeard() => _isHeard = true;

    /// <summary>A body that was asked for did not come, and the exchange went on.</summary>
    /// <param name="isCertain">Whether nothing else can explain it.</param>
    public void NoteUnheard(bool isCertain)
    {
        if (!isCertain && (_isHeard || Interlocked.Increment(ref _unheard) < Suspicious))
        {
            return;
        }

        _isDeaf = true;
        Warn("a body that was asked for by mode_override passed unseen: the filter lacks allow_mode_override, or its "
            + "allowed_override_modes lack that mode; nothing is asked for any more, so agents that want bodies follow on-excess");
    }

    /// <summary>The headers of a response came.</summary>
    public void NoteResponse() => _hasResponses = true;

    /// <summary>A response that agents want never came.</summary>
    public void NoteNoResponse()
    {
        if (!_hasResponses && Interlocked.Increment(ref _unanswered) >= Suspicious)
        {
            Warn("agents want responses and none has ever come; the filter needs response_header_mode: SEND, or allow_mode_override here "
                + "and there");
        }
    }

    /// <summary>Something is wrong with the filter's configuration.</summary>
    /// <param name="text">What it is, what follows and what to do; of a bounded set.</param>
    public void Warn(string text)
    {
        warnings.Add($"listener {options.Name}: {text}");
        if (_throttle.MayLog(text, out var more))
        {
            EnvoyLog.FilterProblem(logger, options.Name, text, more);
        }
    }
}
