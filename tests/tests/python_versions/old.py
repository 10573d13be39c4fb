# -*- coding: utf8 -*-
"""What Python 2 alone has, in the words of its time."""
import commands
import logging
import StringIO
import sys
import urllib2


class Old:
    """Of the kind that is no exception."""


def words(event, context):
    print 'said', event['name']
    print u'ünïcödé', '窗'
    print >>sys.stderr, 'to stderr'
    logging.warning(u'gewarnt')
    return {'type': type(event['name']).__name__, 'keys': sorted(event), 'same': event['name'] == u'窗',
            'bytes': '窗', u'unicode': u'窗', 'long': 2 ** 70, 'parts': ['ü', u'ü'], 3: None}


def no_utf8(event, context):
    return {'bytes': '\xff'}


def shell(event, context):
    return list(commands.getstatusoutput('echo 1; exit 3'))


def old_class(event, context):
    raise Old()


def chinese(event, context):
    raise ValueError('错误')


def decode(event, context):
    reload(sys)
    sys.setdefaultencoding('utf8')
    return ['%s' % u'窗' + '窗', StringIO.StringIO('窗').read().decode('utf8')]


def divide(event, context):
    return [7 / 2, map(lambda x: x * x, range(3)), {}.has_key(1), urllib2.quote('ü')]


def exits(event, context):
    quit(3)


def main_handler(event, context):
    return globals()[event['case']](event, context)
