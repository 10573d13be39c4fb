<?php
// A case for each thing a test wants to see.

class Counter
{
    public static $calls = 0;
}

$global = 'of the file';

function deeper($text)
{
    throw new RangeException("too deep: $text");
}

function main_handler($event, $context)
{
    global $global;
    Counter::$calls++;
    switch ($event->case ?? '') {
        case 'echo':
            return $event;
        case 'context':
            return $context;
        case 'count':
            return ['calls' => Counter::$calls, 'global' => $global, 'kept' => @file_get_contents('/tmp/kept') ?: file_put_contents('/tmp/kept', 'yes')];
        case 'version':
            return PHP_VERSION;
        case 'throw':
            return deeper('ü');
        case 'error':
            return nothing_of_the_name();
        case 'fatal':
            eval('class Counter {}');
            return 'unreachable';
        case 'fork':
            return pcntl_fork() < 0 ? 'no fork' : Counter::$calls;
        case 'fork and throw':
            pcntl_fork();
            throw new RangeException('both');
        case 'die':
            echo "before\n";
            die("the end\n");
        case 'nothing':
            return;
        case 'not json':
            return ["\xff"];
        case 'output':
            echo "by echo\n";
            fwrite(STDERR, "to stderr\n");
            system('echo of a child');
            ob_start();
            print_r([1]);
            error_log('by error_log');
            return null;
        case 'warning':
            return "$missing";
        case 'environment':
            return ['getenv' => getenv(), 'env' => $_ENV, 'server' => $_SERVER['MINE'] ?? null, 'folder' => getcwd(), 'globals' => array_keys($GLOBALS)];
        case 'size':
            return str_repeat('x', $event->bytes);
        case 'sleep':
            sleep(600);
        case 'hoard':
            for ($hoard = [];;) {
                $hoard[] = str_repeat(random_bytes(1 << 16), 16);
            }
        case 'extensions':
            return array_map('extension_loaded', ['curl' => 'curl', 'mbstring' => 'mbstring', 'json' => 'json', 'xml' => 'xml', 'zip' => 'zip', 'mysqli' => 'mysqli']);
        case 'settings':
            return [ini_get('precision'), ini_get('memory_limit'), getenv('SKIFF_ORDER')];
    }
}
