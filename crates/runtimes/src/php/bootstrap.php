<?php
// The runtime of PHP functions, executed anew for each sandbox, behind its walls: boots, warms itself, takes code and then
// runs one event at a time. From PHP 7.0 on.
//
// The user's files are included here, at the top, so that what they declare is global as everywhere; what the platform
// keeps is private to a class. Nothing outside trusts what this process says after user code ran.

namespace Skiff;

final class Runtime
{
    // Numbers of the frames: wire.rs.
    const LOAD = 1, INVOKE = 2, COMPILE = 3;
    const READY = 1, WARM = 2, LOADED = 3, NO_HANDLER = 4, LOAD_FAILED = 5, RETURNED = 6, RAISED = 7, TOO_LARGE = 8;
    const COMPILE_DONE = 10, RAISED_LAST = 12;
    const HEAD_BYTES = 12;
    const USER_CODE = '/var/user';
    const PLATFORM = '/var/runtime/';
    const JSON = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION;
    // Where users bring extensions, and settings (CONTRACT 1.3). PHP reads them when it starts and at no other time.
    const EXTENSIONS = ['/var/user/php_extension', '/opt/php_extension'];

    private static $requests;
    private static $responses;
    private static $sequence = 0;
    // The process that was initialised: only it answers.
    private static $pid;
    private static $order;
    private static $handler;
    private static $began;
    // What the process is doing, should it end meanwhile: loading, running, or neither.
    private static $doing = '';

    // Boots, and gives back the file to include once it is told of one.
    public static function boot(string $mode): string
    {
        self::$requests = fopen('php://fd/3', 'r');
        self::$responses = fopen('php://fd/4', 'w');
        stream_set_chunk_size(self::$requests, 1 << 16);
        stream_set_write_buffer(self::$responses, 0);
        register_shutdown_function([self::class, 'end']);
        self::$pid = \getmypid();
        if ($mode === 'again') {
            $order = getenv('SKIFF_ORDER');
            list(self::$sequence, $body) = explode(' ', $order, 2);
            return self::load((int) self::$sequence, $body);
        }
        self::send(self::READY, 0, '');
        if ($mode === 'warm') {
            self::warm();
            self::send(self::WARM, 0, '');
        }
        while (true) {
            list($kind, $sequence, $body) = self::receive();
            if ($kind === self::LOAD) {
                return self::load($sequence, $body);
            }
            // Sources are what PHP runs.
            self::send(self::COMPILE_DONE, $sequence, '');
        }
    }

    private static function load(int $sequence, string $body): string
    {
        self::$sequence = $sequence;
        self::$order = json_decode($body, true);
        self::readExtensions($sequence, $body);
        foreach (array_keys(getenv()) as $name) {
            putenv($name);
        }
        $_ENV = [];
        foreach (self::$order['environment'] as list($name, $value)) {
            putenv("$name=$value");
            $_ENV[$name] = $value;
        }
        $_SERVER = $_ENV + ['argv' => [], 'argc' => 0, 'REQUEST_TIME' => time(), 'REQUEST_TIME_FLOAT' => microtime(true)];
        chdir(self::USER_CODE);
        self::$doing = 'loading';
        self::$began = microtime(true);
        $dot = strrpos(self::$order['handler'], '.');
        return self::USER_CODE . '/' . substr(self::$order['handler'], 0, $dot) . '.php';
    }

    // Starts anew where the user has settings for PHP itself: only then it reads them.
    private static function readExtensions(int $sequence, string $body)
    {
        $settings = [];
        foreach (self::EXTENSIONS as $folder) {
            $settings = array_merge($settings, glob("$folder/*.ini") ?: []);
        }
        if (!$settings || getenv('SKIFF_ORDER') !== false) {
            return;
        }
        // Of those who make images not all have it in.
        if (!function_exists('pcntl_exec')) {
            $why = 'This PHP has no pcntl, without which it cannot read the settings of php_extension';
            self::refuse(self::LOAD_FAILED, $why, '');
            exit;
        }
        $arguments = explode("\0", rtrim(file_get_contents('/proc/self/cmdline'), "\0"));
        $program = array_shift($arguments);
        $arguments[count($arguments) - 1] = 'again';
        pcntl_exec($program, $arguments, ['SKIFF_ORDER' => "$sequence $body"] + getenv());
        self::refuse(self::LOAD_FAILED, 'PHP could not be started again with the settings of php_extension', '');
        exit;
    }

    // The file has been included.
    public static function loaded()
    {
        $function = substr(self::$order['handler'], strrpos(self::$order['handler'], '.') + 1);
        if (!function_exists($function)) {
            $file = basename(substr(self::$order['handler'], 0, strrpos(self::$order['handler'], '.'))) . '.php';
            $handler = self::$order['handler'];
            self::refuse(self::NO_HANDLER, "$file has no function $function (Handler is $handler)", '');
            return;
        }
        self::$handler = $function;
        self::$doing = '';
        self::send(self::LOADED, self::$sequence, (string) (int) ((microtime(true) - self::$began) * 1e6));
    }

    public static function failedToLoad(\Throwable $error)
    {
        self::refuse(self::LOAD_FAILED, self::line($error), self::trace($error));
    }

    private static function refuse(int $kind, string $message, string $trace)
    {
        self::$doing = '';
        self::send($kind, self::$sequence, self::fault($message, $trace));
    }

    // Runs events until the server is gone.
    public static function serve()
    {
        while (true) {
            list($kind, $sequence, $body) = self::receive();
            self::$sequence = $sequence;
            if ($kind === self::INVOKE) {
                self::$doing = 'running';
                list($answer, $text) = self::run(self::$handler, $body, self::$order['result_bytes_max']);
                self::$doing = '';
                self::send($answer, $sequence, $text);
            }
        }
    }

    private static function run($handler, string $body, int $bytesMax): array
    {
        $contextEnd = 4 + unpack('V', $body)[1];
        $context = json_decode(substr($body, 4, $contextEnd - 4));
        $event = json_decode(substr($body, $contextEnd));
        unset($body);
        try {
            $result = $handler($event, $context);
        } catch (\Throwable $error) {
            self::flush();
            return [self::RAISED, self::fault(self::line($error), self::trace($error))];
        }
        self::flush();
        $text = json_encode($result, self::JSON);
        if ($text === false) {
            $why = 'The handler\'s result is not JSON: ' . json_last_error_msg();
            return [self::RAISED, self::fault($why, '')];
        }
        if (strlen($text) > $bytesMax) {
            return [self::TOO_LARGE, (string) strlen($text)];
        }
        return [self::RETURNED, $text];
    }

    // What a handler has buffered belongs to its call.
    private static function flush()
    {
        while (ob_get_level() > 0 && ob_end_flush());
    }

    // The process ends. What PHP itself gave up for is the code's error; a `die` is an end and nothing else.
    public static function end()
    {
        $error = error_get_last();
        $fatal = E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR;
        if (self::$doing === '' || !$error || !($error['type'] & $fatal)) {
            return;
        }
        $kind = self::$doing === 'loading' ? self::LOAD_FAILED : self::RAISED_LAST;
        $place = "{$error['message']} in {$error['file']}:{$error['line']}";
        self::send($kind, self::$sequence, self::fault("PHP Fatal error: {$error['message']}", "PHP Fatal error: $place"));
    }

    private static function line(\Throwable $error): string
    {
        return get_class($error) . ': ' . $error->getMessage();
    }

    // As PHP writes it, without the platform's own frames.
    private static function trace(\Throwable $error): string
    {
        $text = '';
        for (; $error; $error = $error->getPrevious()) {
            $text .= ($text === '' ? '' : "\n\nPrevious: ") . self::line($error);
            $text .= " in {$error->getFile()}:{$error->getLine()}";
            $number = 0;
            foreach ($error->getTrace() as $frame) {
                $file = $frame['file'] ?? '[internal function]';
                if (strpos($file, self::PLATFORM) === 0 || strpos($frame['class'] ?? '', __NAMESPACE__ . '\\') === 0) {
                    continue;
                }
                $place = isset($frame['line']) ? "$file({$frame['line']})" : $file;
                $called = ($frame['class'] ?? '') . ($frame['type'] ?? '') . $frame['function'];
                $text .= "\n#" . $number++ . " $place: $called()";
            }
        }
        return $text;
    }

    private static function fault(string $message, string $trace): string
    {
        $fault = ['message' => $message, 'stackTrace' => $trace];
        return json_encode($fault, self::JSON | JSON_INVALID_UTF8_SUBSTITUTE | JSON_PARTIAL_OUTPUT_ON_ERROR);
    }

    private static function warm()
    {
        $context = '{"request_id":"0","memory_limit_in_mb":128}';
        $body = pack('V', strlen($context)) . $context . '{"text":"warm","list":[1,2.5,null,true]}';
        self::run(function ($event, $context) {
            return [$event, $context, strtoupper($event->text)];
        }, $body, 1 << 20);
        self::run(function () {
            throw new \Exception('warm');
        }, $body, 1 << 20);
    }

    private static function receive(): array
    {
        $head = unpack('Vlength/Vkind/Vsequence', self::read(self::HEAD_BYTES));
        return [$head['kind'], $head['sequence'], self::read($head['length'])];
    }

    private static function read(int $bytes): string
    {
        $text = '';
        while (strlen($text) < $bytes) {
            $piece = fread(self::$requests, min($bytes - strlen($text), 1 << 16));
            if ($piece === false || $piece === '') {
                // The server is gone.
                self::$doing = '';
                exit;
            }
            $text .= $piece;
        }
        return $text;
    }

    // Answers, unless this is a copy of the instance that the user's code forked: that one ends.
    private static function send(int $kind, int $sequence, string $body)
    {
        if (\getmypid() !== self::$pid) {
            self::$doing = '';
            exit;
        }
        $frame = pack('VVV', strlen($body), $kind, $sequence) . $body;
        for ($sent = 0; $sent < strlen($frame);) {
            $written = fwrite(self::$responses, $sent ? substr($frame, $sent) : $frame);
            if (!$written) {
                self::$doing = '';
                exit;
            }
            $sent += $written;
        }
    }
}

$GLOBALS['skiff'] = Runtime::boot($argv[count($argv) - 1]);
unset($argv, $argc);
try {
    require_once $GLOBALS['skiff'];
    unset($GLOBALS['skiff']);
    Runtime::loaded();
} catch (\Throwable $skiff) {
    Runtime::failedToLoad($skiff);
    unset($skiff);
}
Runtime::serve();
